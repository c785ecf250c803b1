/* SPDX-License-Identifier: MIT */
/* An object that waits for a grace period is put. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_pool_get(pool));

	expect_retired("put", "victim", obj);
	first_retire(pool, obj);
	percu_pool_put(pool, hide(obj));
	at_once();
	percu_pool_barrier(pool);
	percu_pool_age(pool);
	missed();
}
