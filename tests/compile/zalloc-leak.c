/* SPDX-License-Identifier: MIT */
/* A block is lost on the way out. */
/* expect: -Wanalyzer-malloc-leak */
#include <percu/alloc.h>

int work(char *p);

int run(void)
{
	char *p = percu_zalloc(64);

	if (!p)
		return -1;
	if (work(0))
		return -2;
	percu_free(p);
	return 0;
}
