/* SPDX-License-Identifier: MIT */
/* A write goes past the end of a block. */
/* expect: -Warray-bounds */
#include <string.h>
#include <percu/alloc.h>

void *work(void *p)
{
	p = percu_realloc(p, 8);
	if (p)
		memset(p, 0, 9);
	return p;
}
