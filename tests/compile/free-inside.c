/* SPDX-License-Identifier: MIT */
/* A pointer into a block goes to percu_free(). */
/* expect: -Wfree-nonheap-object */
#include <percu/alloc.h>

void work(void)
{
	char *p = percu_alloc(64);

	percu_free(p + 8);
}
