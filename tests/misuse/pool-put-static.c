/* SPDX-License-Identifier: MIT */
/* A pool is given the address of a static variable. */
#include "tests/misuse/misuse.h"

int main(void)
{
	static long fixed[8];

	put_stranger(hide(fixed));
}
