/* SPDX-License-Identifier: MIT */
/* A write goes past the end of a block. */
/* expect: -Warray-bounds */
#include <percu/alloc.h>

char *work(void)
{
	char *p = percu_alloc(8);

	if (p)
		p[8] = 1;
	return p;
}
