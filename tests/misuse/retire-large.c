/* SPDX-License-Identifier: MIT */
/* A large block is retired to a pool. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_alloc(100000));

	expect("pool victim: %p is not an object of this pool (it is no pool object)",
	       obj);
	percu_pool_put_rcu(pool, obj);
	at_once();
	percu_pool_barrier(pool);
	percu_pool_age(pool);
	missed();
}
