/* SPDX-License-Identifier: MIT */
/* A pointer into an object is retired. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	char *obj = must(percu_pool_get(pool));

	expect("pool victim: %p points into an object, not at its start",
	       (void *)(obj + 8));
	percu_pool_put_rcu(pool, hide(obj + 8));
	at_once();
	percu_pool_barrier(pool);
	percu_pool_age(pool);
	missed();
}
