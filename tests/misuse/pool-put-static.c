/* SPDX-License-Identifier: MIT */
/* A pool is given the address of a static variable. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	static long fixed[8];
	void *obj = hide(fixed);

	expect("pool victim: %p is not an object of this pool (it is no pool object)",
	       obj);
	percu_pool_put(pool, obj);
	at_once();
	percu_pool_age(pool);
	missed();
}
