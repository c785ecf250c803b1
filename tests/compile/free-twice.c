/* SPDX-License-Identifier: MIT */
/* A block is freed twice. */
/* expect: -Wanalyzer-double-free -Wuse-after-free */
#include <percu/alloc.h>

void work(void)
{
	void *p = percu_alloc(64);

	percu_free(p);
	percu_free(p);
}
