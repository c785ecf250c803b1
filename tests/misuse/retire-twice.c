/* SPDX-License-Identifier: MIT */
/* An object is retired twice. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_pool_get(pool));

	expect_retired("retired", "victim", obj);
	first_retire(pool, obj);
	percu_pool_put_rcu(pool, hide(obj));
	at_once();
	percu_pool_barrier(pool);
	percu_pool_age(pool);
	missed();
}
