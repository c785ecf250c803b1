/* SPDX-License-Identifier: MIT */
/* An allocation can fail. */
/* expect: -Wanalyzer-possible-null-dereference */
#include <percu/alloc.h>

void work(void)
{
	char *p = percu_alloc(64);

	p[0] = 1;
	percu_free(p);
}
