/* SPDX-License-Identifier: MIT */
/* The ageing of what is no pool. */
#include "tests/misuse/misuse.h"

int main(void)
{
	static char zeroes[4096] __attribute__((aligned(64)));
	struct percu_pool *pool = hide(zeroes);

	expect("%p: age of what is no pool", (void *)pool);
	percu_pool_age(pool);
	missed();
}
