/* SPDX-License-Identifier: MIT */
/* A pool is given an address of the kernel's half. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = hide_number(UINTPTR_MAX << 46);

	expect("pool victim: %p is not an object of this pool (it is no pool object)",
	       obj);
	percu_pool_put(pool, obj);
	at_once();
	percu_pool_age(pool);
	missed();
}
