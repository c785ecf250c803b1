/* SPDX-License-Identifier: MIT */
/* A pool is given itself. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);

	expect("pool victim: %p is not an object of this pool (it is no pool object)",
	       (void *)pool);
	percu_pool_put(pool, hide(pool));
	at_once();
	percu_pool_age(pool);
	missed();
}
