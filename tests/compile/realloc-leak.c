/* SPDX-License-Identifier: MIT */
/* What percu_realloc() returns is lost. */
/* expect: -Wanalyzer-malloc-leak */
#include <percu/alloc.h>

int work(void)
{
	char *p = percu_realloc(0, 64);

	if (!p)
		return -1;
	p[0] = 1;
	return p[0];
}
