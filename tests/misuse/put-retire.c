/* SPDX-License-Identifier: MIT */
/* An object is retired after it was put. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_pool_get(pool));

	expect_twice("victim", obj);
	first_put(pool, obj);
	percu_pool_put_rcu(pool, hide(obj));
	at_once();
	percu_pool_barrier(pool);
	percu_pool_age(pool);
	missed();
}
