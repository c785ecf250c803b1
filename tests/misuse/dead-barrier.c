/* SPDX-License-Identifier: MIT */
/* A barrier of a pool that has ended. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_dead_pool("victim");

	expect("pool victim: barrier after percu_pool_destroy()");
	percu_pool_barrier(pool);
	missed();
}
