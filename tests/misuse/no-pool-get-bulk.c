/* SPDX-License-Identifier: MIT */
/* A bulk get from what is no pool. */
#include "tests/misuse/misuse.h"

int main(void)
{
	static char zeroes[4096] __attribute__((aligned(64)));
	struct percu_pool *pool = hide(zeroes);
	void *objs[2];

	expect("%p: get of what is no pool", (void *)pool);
	if (percu_pool_get_bulk(pool, objs, 2))
		return 1;
	missed();
}
