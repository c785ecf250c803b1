/* SPDX-License-Identifier: MIT */
/* A callback ends a pool to which something was retired. */
#include "pool/retire.h"
#include "tests/misuse/misuse.h"

static void release(void *obj, void *arg)
{
	(void)arg;
	percu_pool_destroy(obj);
}

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	struct percu_pool *waits =
		must(release_pool_create("waits", 0, release, NULL));

	percu_pool_put_rcu(pool, must(percu_pool_get(pool)));
	expect("pool victim: percu_pool_destroy() from a callback that runs after a grace period");
	percu_pool_put_rcu(waits, pool);
	percu_pool_barrier(waits);
	missed();
}
