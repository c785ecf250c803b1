/* SPDX-License-Identifier: MIT */
/* A pool is given the address of a local variable. */
#include "tests/misuse/misuse.h"

int main(void)
{
	long local[8];

	put_stranger(hide(local));
}
