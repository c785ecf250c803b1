/* SPDX-License-Identifier: MIT */
/* What malloc() returned is retired to a pool. */
#include "tests/misuse/misuse.h"

int main(void)
{
	retire_stranger(must(malloc(64)));
}
