/* SPDX-License-Identifier: MIT */
/* A reader ends a pool to which it has retired. */
#include <urcu/urcu-bp.h>

#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_pool_get(pool));

	urcu_bp_read_lock();
	percu_pool_put_rcu(pool, obj);
	expect("pool victim: percu_pool_destroy() inside a read section");
	percu_pool_destroy(pool);
	missed();
}
