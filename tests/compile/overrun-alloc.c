/* SPDX-License-Identifier: MIT */
/* A write goes past the end of a block. */
/* expect: -Warray-bounds */
#include <string.h>
#include <percu/alloc.h>

void *work(void)
{
	char *p = percu_alloc(8);

	if (p)
		memset(p, 0, 9);
	return p;
}
