/* SPDX-License-Identifier: MIT */
/* A get from a pool that has ended. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_dead_pool("victim");

	expect("pool victim: get after percu_pool_destroy()");
	must(percu_pool_get(pool));
	missed();
}
