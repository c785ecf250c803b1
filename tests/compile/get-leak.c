/* SPDX-License-Identifier: MIT */
/* An object is lost. */
/* expect: -Wanalyzer-malloc-leak */
#include <percu/pool.h>

int work(struct percu_pool *pool)
{
	int *obj = percu_pool_get(pool);

	if (!obj)
		return -1;
	*obj = 1;
	return *obj;
}
