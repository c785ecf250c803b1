/* SPDX-License-Identifier: MIT */
/* Nobody knows how many objects came. */
/* expect: -Wunused-result */
/* expect-clang: -Wunused-result */
#include <percu/pool.h>

void work(struct percu_pool *pool, void **objs)
{
	percu_pool_get_bulk(pool, objs, 10);
}
