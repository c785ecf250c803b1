/* SPDX-License-Identifier: MIT */
/* An object is put twice. */
/* expect: -Wanalyzer-double-free -Wuse-after-free */
#include <percu/pool.h>

void work(struct percu_pool *pool)
{
	void *obj = percu_pool_get(pool);

	percu_pool_put(pool, obj);
	percu_pool_put(pool, obj);
}
