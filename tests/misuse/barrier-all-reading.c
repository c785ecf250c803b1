/* SPDX-License-Identifier: MIT */
/* A reader waits for what waits for it, by all pools. */
#include <urcu/urcu-bp.h>

#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_pool_get(pool));

	percu_pool_put_rcu(pool, obj);
	urcu_bp_read_lock();
	expect("pool victim: percu_pool_barrier() inside a read section");
	percu_barrier();
	missed();
}
