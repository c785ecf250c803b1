/* SPDX-License-Identifier: MIT */
/* An object is got and dropped. */
/* expect: -Wunused-result */
/* expect-clang: -Wunused-result */
#include <percu/pool.h>

void work(struct percu_pool *pool)
{
	percu_pool_get(pool);
}
