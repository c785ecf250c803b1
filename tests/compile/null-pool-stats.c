/* SPDX-License-Identifier: MIT */
/* There is no pool to stats. */
/* expect: -Wnonnull */
/* expect-clang: -Wnonnull */
#include <percu/pool.h>

void work(void *obj)
{
	(void)obj;
	percu_pool_stats(0, obj);
}
