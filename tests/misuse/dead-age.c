/* SPDX-License-Identifier: MIT */
/* The ageing of a pool that has ended. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_dead_pool("victim");

	expect("pool victim: age after percu_pool_destroy()");
	percu_pool_age(pool);
	missed();
}
