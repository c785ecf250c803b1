/* SPDX-License-Identifier: MIT */
/* The second end of a pool. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_dead_pool("victim");

	expect("pool victim: destroy after percu_pool_destroy()");
	percu_pool_destroy(pool);
	missed();
}
