/* SPDX-License-Identifier: MIT */
/* What malloc() returned goes to a pool. */
/* expect: -Wmismatched-dealloc */
#include <stdlib.h>
#include <percu/pool.h>

void work(struct percu_pool *pool)
{
	void *obj = malloc(64);

	percu_pool_put(pool, obj);
}
