/* SPDX-License-Identifier: MIT */
/* A pool that is busy lives on: to try again is not to use it after its end. */
/* expect: nothing */
/* expect-clang: nothing */
#include <percu/pool.h>

int end(const struct percu_pool_attr *attr, void **obj)
{
	struct percu_pool *pool = percu_pool_create(attr);

	if (!pool)
		return -1;
	*obj = percu_pool_get(pool);
	if (percu_pool_destroy(pool)) {
		percu_pool_put(pool, *obj);
		return percu_pool_destroy(pool);
	}
	return 0;
}
