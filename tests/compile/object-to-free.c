/* SPDX-License-Identifier: MIT */
/* An object of a pool goes to free(). */
/* expect: -Wmismatched-dealloc */
#include <stdlib.h>
#include <percu/pool.h>

void work(struct percu_pool *pool)
{
	void *obj = percu_pool_get(pool);

	free(obj);
}
