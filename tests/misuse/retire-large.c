/* SPDX-License-Identifier: MIT */
/* A large block is retired to a pool. */
#include "tests/misuse/misuse.h"

int main(void)
{
	retire_stranger(must(percu_alloc(100000)));
}
