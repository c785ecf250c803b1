/* SPDX-License-Identifier: MIT */
/* There is no pool to put. */
/* expect: -Wnonnull */
/* expect-clang: -Wnonnull */
#include <percu/pool.h>

void work(void *obj)
{
	(void)obj;
	percu_pool_put(0, obj);
}
