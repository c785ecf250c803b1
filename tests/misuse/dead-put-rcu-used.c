/* SPDX-License-Identifier: MIT */
/* A retirement to a pool that has ended, and was retired to before. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_pool_get(pool));

	percu_pool_put_rcu(pool, obj);
	if (percu_pool_destroy(pool))
		misuse_exit("the pool does not end", 2);
	expect("pool victim: put_rcu after percu_pool_destroy()");
	percu_pool_put_rcu(hide(pool), obj);
	missed();
}
