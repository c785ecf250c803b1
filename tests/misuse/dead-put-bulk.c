/* SPDX-License-Identifier: MIT */
/* A bulk put into a pool that has ended. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_dead_pool("victim");
	void *objs[1] = { pool };

	expect("pool victim: put after percu_pool_destroy()");
	percu_pool_put_bulk(pool, objs, 1);
	missed();
}
