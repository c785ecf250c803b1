/* SPDX-License-Identifier: MIT */
/* An object has waited for its readers, and is still where they find it. */
#include "pool/retire.h"
#include "tests/misuse/misuse.h"

static void *slot[4];

static long find(struct retire_origin *o, const void *obj)
{
	(void)o;
	for (long i = 0; i < 4; i++)
		if (slot[i] == obj)
			return i;
	return -1;
}

int main(void)
{
	static struct retire_origin origin = { .name = "vector list",
					       .find = find };
	struct percu_pool *pool = make_pool("victim", 64);

	only_in_debug();
	slot[1] = must(percu_pool_get(pool));
	slot[2] = must(percu_pool_get(pool));
	expect("pool victim: %p is still in slot 2 of vector list after its grace period, retired at (nil)",
	       slot[2]);
	/* This one is not: all is well. */
	retire_from(pool, slot[1], &rcu_flavor, NULL, &origin);
	slot[1] = NULL;
	percu_pool_barrier(pool);
	retire_from(pool, slot[2], &rcu_flavor, NULL, &origin);
	percu_pool_barrier(pool);
	missed();
}
