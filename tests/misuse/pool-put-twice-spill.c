/* SPDX-License-Identifier: MIT */
/* Put twice, others between; further puts make the record spill. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_pool_get(pool)), *objs[MISUSE_MANY];

	get_many(pool, objs);
	expect_twice("victim", obj);
	first_put(pool, obj);
	for (int i = 0; i < 3; i++)
		percu_pool_put(pool, objs[i]);
	percu_pool_put(pool, hide(obj));
	at_once();
	put_many(pool, objs);
	missed();
}
