/* SPDX-License-Identifier: MIT */
/* A pool is given what malloc() returned. */
#include "tests/misuse/misuse.h"

int main(void)
{
	put_stranger(must(malloc(64)));
}
