/* SPDX-License-Identifier: MIT */
/* A large block from percu_alloc() goes to a pool. */
#include "tests/misuse/misuse.h"

int main(void)
{
	put_stranger(must(percu_alloc(100000)));
}
