/* SPDX-License-Identifier: MIT */
/* Nothing is wrong here, and get and put are inlined. */
/* expect: nothing */
/* expect-clang: nothing */
#include <percu/inline.h>

int use(struct percu_pool *pool)
{
	int *obj = percu_pool_get(pool);

	if (!obj)
		return -1;
	*obj = 1;
	percu_pool_put(pool, obj);
	return 0;
}
