/* SPDX-License-Identifier: MIT */
/* An object that a batch removes, and that it puts in again. */
#include <percu/vec.h>
#include "tests/misuse/misuse.h"

int main(void)
{
	static struct percu_vec v;
	struct percu_vec_batch b;
	struct percu_pool *pool = make_pool("objects", 64);
	void *obj = must(percu_pool_get(pool));

	only_in_debug();
	if (percu_vec_init(&v, &(struct percu_vec_attr){ .name = "victim",
							 .pool = pool }) ||
	    percu_vec_append(&v, obj) || percu_vec_batch_begin(&b, &v) ||
	    percu_vec_batch_remove(&b, 0))
		missed();
	expect("vec victim: %p was removed in this batch", obj);
	if (percu_vec_batch_append(&b, obj))
		missed();
	missed();
}
