/* SPDX-License-Identifier: MIT */
/* A pool is given a pointer next to NULL. */
#include "tests/misuse/misuse.h"

int main(void)
{
	put_stranger(hide_number(16));
}
