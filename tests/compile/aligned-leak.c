/* SPDX-License-Identifier: MIT */
/* An aligned block is lost. */
/* expect: -Wanalyzer-malloc-leak */
#include <percu/alloc.h>

int first(void)
{
	char *p = percu_alloc_aligned(64, 64);

	if (!p)
		return -1;
	p[0] = 1;
	return p[0];
}
