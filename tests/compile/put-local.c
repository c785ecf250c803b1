/* SPDX-License-Identifier: MIT */
/* A local variable goes to a pool. */
/* expect: -Wfree-nonheap-object */
#include <percu/pool.h>

void work(struct percu_pool *pool)
{
	char local[64];

	percu_pool_put(pool, local);
}
