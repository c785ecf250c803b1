/* SPDX-License-Identifier: MIT */
/* A foreign object is retired twice.  Nothing but the numbers tells, in release. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_foreign_pool("victim");
	void *obj = must(percu_pool_get(pool));

	if (in_debug())
		expect_twice("victim", obj);
	else
		expect("pool victim: more objects were put (2) than got (1)");
	first_retire(pool, obj);
	percu_pool_put_rcu(pool, hide(obj));
	if (in_debug())
		at_once();
	percu_pool_destroy(pool);
	missed();
}
