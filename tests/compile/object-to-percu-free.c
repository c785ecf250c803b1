/* SPDX-License-Identifier: MIT */
/* An object of a pool goes to percu_free(). */
/* expect: -Wmismatched-dealloc */
#include <percu/alloc.h>
#include <percu/pool.h>

void work(struct percu_pool *pool)
{
	void *obj = percu_pool_get(pool);

	percu_free(obj);
}
