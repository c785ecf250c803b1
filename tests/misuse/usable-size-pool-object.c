/* SPDX-License-Identifier: MIT */
/* The size of a pool's object. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_pool_get(pool));

	expect("percu_usable_size(%p): belongs to pool victim", obj);
	percu_usable_size(obj);
	missed();
}
