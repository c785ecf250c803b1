/* SPDX-License-Identifier: MIT */
/* An object is retired to a pool that it does not come from. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	struct percu_pool *other = make_pool("other", 64);
	void *obj = must(percu_pool_get(other));

	expect("pool victim: %p is not an object of this pool (it belongs to pool other)",
	       obj);
	percu_pool_put_rcu(pool, obj);
	at_once();
	percu_pool_barrier(pool);
	percu_pool_age(pool);
	missed();
}
