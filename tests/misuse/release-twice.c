/* SPDX-License-Identifier: MIT */
/* What a callback is to release is retired twice. */
#include "pool/retire.h"
#include "tests/misuse/misuse.h"

static void release(void *obj, void *arg)
{
	(void)obj;
	(void)arg;
}

int main(void)
{
	struct percu_pool *pool =
		must(release_pool_create("victim", 0, release, NULL));
	static int obj;

	only_in_debug();
	expect_retired("retired", "victim", &obj);
	first_retire(pool, &obj);
	percu_pool_put_rcu(pool, &obj);
	missed();
}
