/* SPDX-License-Identifier: MIT */
/* An object is used after it was put. */
/* expect: -Wanalyzer-use-after-free -Wuse-after-free */
#include <percu/pool.h>

int work(struct percu_pool *pool)
{
	int *obj = percu_pool_get(pool);

	if (!obj)
		return -1;
	*obj = 1;
	percu_pool_put(pool, obj);
	return *obj;
}
