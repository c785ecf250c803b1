/* SPDX-License-Identifier: MIT */
/* A local variable goes to percu_free(). */
/* expect: -Wfree-nonheap-object */
#include <percu/alloc.h>

void work(void)
{
	char local[64];

	percu_free(local);
}
