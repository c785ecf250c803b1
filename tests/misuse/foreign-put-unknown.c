/* SPDX-License-Identifier: MIT */
/* A pool of foreign objects is given one that it did not make. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_foreign_pool("victim");
	void *obj = must(malloc(32));

	if (in_debug())
		expect("pool victim: %p is not an object of this pool", obj);
	else
		expect("pool victim: more objects were put (1) than got (0)");
	percu_pool_put(pool, obj);
	if (in_debug())
		at_once();
	percu_pool_destroy(pool);
	missed();
}
