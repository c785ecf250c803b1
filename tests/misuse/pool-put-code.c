/* SPDX-License-Identifier: MIT */
/* A pool is given the address of a function. */
#include "tests/misuse/misuse.h"

int main(void)
{
	put_stranger(hide_number((uintptr_t)&puts));
}
