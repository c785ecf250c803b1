/* SPDX-License-Identifier: MIT */
/* A callback waits for the reclaimer, which runs it. */
#include "pool/retire.h"
#include "tests/misuse/misuse.h"

static void release(void *obj, void *arg)
{
	(void)arg;
	percu_pool_barrier(obj);
}

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	struct percu_pool *waits =
		must(release_pool_create("waits", 0, release, NULL));

	percu_pool_put_rcu(pool, must(percu_pool_get(pool)));
	expect("pool victim: percu_pool_barrier() from a callback that runs after a grace period");
	percu_pool_put_rcu(waits, pool);
	percu_pool_barrier(waits);
	missed();
}
