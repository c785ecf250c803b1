/* SPDX-License-Identifier: MIT */
/* The figures of what is no pool. */
#include "tests/misuse/misuse.h"

int main(void)
{
	static char zeroes[4096] __attribute__((aligned(64)));
	struct percu_pool *pool = hide(zeroes);
	struct percu_pool_stats st;

	expect("%p: stats of what is no pool", (void *)pool);
	percu_pool_stats(pool, &st);
	missed();
}
