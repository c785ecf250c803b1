/* SPDX-License-Identifier: MIT */
/* What a vector has removed is inserted again before its grace period ends. */
#include <percu/vec.h>
#include <urcu-bp.h>

#include "tests/misuse/misuse.h"

FIRST_PUT void first_remove(struct percu_vec *v, size_t i)
{
	if (percu_vec_remove(v, i))
		missed();
	__asm__ volatile("");
}

int main(void)
{
	static struct percu_vec v;
	struct percu_pool *pool = make_pool("objects", 64);
	void *kept = must(percu_pool_get(pool));
	void *obj = must(percu_pool_get(pool));

	only_in_debug();
	if (percu_vec_init(&v, &(struct percu_vec_attr){ .name = "victim",
							 .pool = pool }) ||
	    percu_vec_append(&v, must(percu_pool_get(pool))) ||
	    percu_vec_append(&v, obj) || percu_vec_append(&v, kept))
		missed();
	/* This one stays away: all is well. */
	first_remove(&v, 0);
	percu_barrier();
	expect_site("is still in slot 1 of victim after its grace period",
		    "objects", obj, "retired");
	rcu_read_lock(); /* so that its grace period does not end */
	first_remove(&v, 0);
	if (percu_vec_append(&v, obj))
		missed();
	rcu_read_unlock();
	percu_barrier();
	missed();
}
