/* SPDX-License-Identifier: MIT */
/* A block is used after it was freed. */
/* expect: -Wanalyzer-use-after-free -Wuse-after-free */
#include <percu/alloc.h>

int work(void)
{
	char *p = percu_alloc(64);

	if (!p)
		return -1;
	p[0] = 1;
	percu_free(p);
	return p[0];
}
