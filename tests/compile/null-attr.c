/* SPDX-License-Identifier: MIT */
/* There are no attributes. */
/* expect: -Wnonnull */
/* expect-clang: -Wnonnull */
#include <percu/pool.h>

struct percu_pool *work(void)
{
	return percu_pool_create(0);
}
