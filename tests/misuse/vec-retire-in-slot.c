/* SPDX-License-Identifier: MIT */
/* What was taken out of a vector and put into it again is retired by hand. */
#include <percu/vec.h>
#include "tests/misuse/misuse.h"

int main(void)
{
	static struct percu_vec v, other;
	struct percu_pool *pool = make_pool("objects", 64);
	struct percu_vec_attr attr = { .name = "victim", .pool = pool };
	void *obj = must(percu_pool_get(pool));

	only_in_debug();
	if (percu_vec_init(&v, &attr) || percu_vec_append(&v, obj))
		missed();
	attr.name = "other";
	if (percu_vec_init(&other, &attr) ||
	    percu_vec_append(&other, must(percu_pool_get(pool))))
		missed();
	/* What is in no slot is no misuse; nor what is in a vector that ends. */
	percu_pool_put_rcu(pool, must(percu_pool_get(pool)));
	percu_pool_barrier(pool);
	percu_vec_destroy(&other);
	if (percu_vec_take(&v, 0) != obj || percu_vec_append(&v, obj))
		missed();
	expect_site("is still in slot 0 of victim after its grace period",
		    "objects", obj, "retired");
	first_retire(pool, obj);
	percu_barrier();
	missed();
}
