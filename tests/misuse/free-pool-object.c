/* SPDX-License-Identifier: MIT */
/* An object of a pool is given to percu_free(). */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_pool_get(pool));

	expect("percu_free(%p): belongs to pool victim", obj);
	percu_free(obj);
	missed();
}
