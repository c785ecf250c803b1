/* SPDX-License-Identifier: MIT */
/* An object that is appended twice at once, and would be released twice. */
#include <percu/vec.h>
#include "tests/misuse/misuse.h"

int main(void)
{
	static struct percu_vec v;
	struct percu_pool *pool = make_pool("objects", 64);
	void *obj = must(percu_pool_get(pool));
	void *other = must(percu_pool_get(pool));

	only_in_debug();
	if (percu_vec_init(&v, &(struct percu_vec_attr){ .name = "victim",
							 .pool = pool }))
		missed();
	expect("vec victim: %p is appended twice", obj);
	if (percu_vec_append_bulk(&v, (void *[]){ obj, other, obj }, 3))
		missed();
	missed();
}
