/* SPDX-License-Identifier: MIT */
/* There is no pool to get. */
/* expect: -Wnonnull */
/* expect-clang: -Wnonnull */
#include <percu/pool.h>

void work(void *obj)
{
	(void)obj;
	if (percu_pool_get(0))
		return;
}
