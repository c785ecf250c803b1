/* SPDX-License-Identifier: MIT */
/* Put, back in its slab, and put again. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *other = must(percu_pool_get(pool));
	void *obj = must(percu_pool_get(pool));

	expect_twice("victim", obj);
	first_put(pool, obj);
	percu_pool_shrink(pool); /* other keeps the span */
	percu_pool_put(pool, hide(obj));
	at_once();
	percu_pool_age(pool);
	percu_pool_put(pool, other);
	missed();
}
