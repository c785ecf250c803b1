/* SPDX-License-Identifier: MIT */
/* A pool that zeroes looks at each put, in release too. */
#include "tests/misuse/misuse.h"

int main(void)
{
	const struct percu_pool_attr attr = { .name = "victim",
					      .size = 64,
					      .flags = PERCU_POOL_ZERO };
	struct percu_pool *pool = must(percu_pool_create(&attr));
	void *obj = must(percu_pool_get(pool));

	expect_twice("victim", obj);
	first_put(pool, obj);
	percu_pool_put(pool, hide(obj));
	missed();
}
