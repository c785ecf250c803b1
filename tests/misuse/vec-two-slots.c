/* SPDX-License-Identifier: MIT */
/* An object in two slots, which would be released twice. */
#include <percu/vec.h>
#include "tests/misuse/misuse.h"

int main(void)
{
	static struct percu_vec v;
	struct percu_pool *pool = make_pool("objects", 64);
	void *obj = must(percu_pool_get(pool));

	only_in_debug();
	if (percu_vec_init(&v, &(struct percu_vec_attr){ .name = "victim",
							 .pool = pool }) ||
	    percu_vec_append(&v, must(percu_pool_get(pool))) ||
	    percu_vec_append(&v, obj))
		missed();
	expect("vec victim: %p is in slot 1 already", obj);
	if (percu_vec_insert(&v, 0, obj))
		missed();
	missed();
}
