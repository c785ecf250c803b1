/* SPDX-License-Identifier: MIT */
/* A bulk get from a pool that has ended. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_dead_pool("victim");
	void *objs[2];

	expect("pool victim: get after percu_pool_destroy()");
	if (percu_pool_get_bulk(pool, objs, 2))
		return 1;
	missed();
}
