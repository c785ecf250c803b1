/* SPDX-License-Identifier: MIT */
/* A pool is given an address of the kernel's half. */
#include "tests/misuse/misuse.h"

int main(void)
{
	put_stranger(hide_number(UINTPTR_MAX << 46));
}
