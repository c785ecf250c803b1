/* SPDX-License-Identifier: MIT */
/* percu_realloc() of a pool's object. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_pool_get(pool));

	expect("percu_realloc(%p): belongs to pool victim", obj);
	must(percu_realloc(obj, 70));
	missed();
}
