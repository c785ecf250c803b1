/* SPDX-License-Identifier: MIT */
/* An object of a pool is given to percu_free_sized(). */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_pool_get(pool));

	if (size_is_checked())
		expect("percu_free(%p): belongs to pool victim", obj);
	else
		expect("pool size-64: %p is not an object of this pool (it belongs to pool victim)",
		       obj);
	percu_free(must(percu_alloc(64))); /* its record is open from now on */
	percu_free_sized(obj, 64);
	at_once();
	percu_age();
	missed();
}
