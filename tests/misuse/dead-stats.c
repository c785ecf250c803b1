/* SPDX-License-Identifier: MIT */
/* The figures of a pool that has ended. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_dead_pool("victim");
	struct percu_pool_stats st;

	expect("pool victim: stats after percu_pool_destroy()");
	percu_pool_stats(pool, &st);
	missed();
}
