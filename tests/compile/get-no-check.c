/* SPDX-License-Identifier: MIT */
/* A get can fail. */
/* expect: -Wanalyzer-possible-null-dereference */
#include <percu/pool.h>

void work(struct percu_pool *pool)
{
	int *obj = percu_pool_get(pool);

	*obj = 1;
	percu_pool_put(pool, obj);
}
