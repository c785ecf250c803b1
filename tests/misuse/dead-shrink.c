/* SPDX-License-Identifier: MIT */
/* The shrinking of a pool that has ended. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_dead_pool("victim");

	expect("pool victim: shrink after percu_pool_destroy()");
	percu_pool_shrink(pool);
	missed();
}
