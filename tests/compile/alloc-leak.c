/* SPDX-License-Identifier: MIT */
/* A block is lost. */
/* expect: -Wanalyzer-malloc-leak */
#include <percu/alloc.h>

int first(void)
{
	char *p = percu_alloc(64);

	if (!p)
		return -1;
	p[0] = 1;
	return p[0];
}
