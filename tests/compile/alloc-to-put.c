/* SPDX-License-Identifier: MIT */
/* A block goes to a pool. */
/* expect: -Wmismatched-dealloc */
#include <percu/alloc.h>
#include <percu/pool.h>

void work(struct percu_pool *pool)
{
	void *obj = percu_alloc(64);

	percu_pool_put(pool, obj);
}
