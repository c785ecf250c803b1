/* SPDX-License-Identifier: MIT */
/* A retirement to a pool that has ended. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_dead_pool("victim");

	expect("pool victim: put_rcu after percu_pool_destroy()");
	percu_pool_put_rcu(pool, must(malloc(64)));
	missed();
}
