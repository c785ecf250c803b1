/* SPDX-License-Identifier: MIT */
/* Retired twice, others between; further retirements make the record spill. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_pool_get(pool)), *objs[MISUSE_MANY];

	get_many(pool, objs);
	expect_retired("retired", "victim", obj);
	first_retire(pool, obj);
	for (int i = 0; i < 3; i++)
		percu_pool_put_rcu(pool, objs[i]);
	percu_pool_put_rcu(pool, hide(obj));
	at_once();
	for (int i = 3; i < MISUSE_MANY; i++)
		percu_pool_put_rcu(pool, objs[i]);
	missed();
}
