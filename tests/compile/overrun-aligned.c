/* SPDX-License-Identifier: MIT */
/* A write goes past the end of an aligned block. */
/* expect: -Warray-bounds */
#include <string.h>
#include <percu/alloc.h>

void *work(void)
{
	char *p = percu_alloc_aligned(64, 100);

	if (p)
		memset(p, 0, 101);
	return p;
}
