/* SPDX-License-Identifier: MIT */
/* An object of a pool is given to percu_free_rcu(). */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *ptr = must(percu_pool_get(pool));

	expect("percu_free_rcu(%p): belongs to pool victim", ptr);
	percu_free_rcu(ptr);
	missed();
}
