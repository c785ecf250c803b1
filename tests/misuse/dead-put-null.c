/* SPDX-License-Identifier: MIT */
/* A put of nothing into a pool that has ended. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_dead_pool("victim");

	expect("pool victim: put after percu_pool_destroy()");
	percu_pool_put(pool, NULL);
	missed();
}
