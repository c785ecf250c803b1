/* SPDX-License-Identifier: MIT */
/* A block from percu_alloc() goes to a pool. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_alloc(64));

	expect("pool victim: %p is not an object of this pool (it belongs to pool %s)",
	       obj, class_for(64));
	percu_pool_put(pool, obj);
	at_once();
	percu_pool_age(pool);
	missed();
}
