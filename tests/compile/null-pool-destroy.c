/* SPDX-License-Identifier: MIT */
/* There is no pool to destroy. */
/* expect: -Wnonnull */
/* expect-clang: -Wnonnull */
#include <percu/pool.h>

void work(void *obj)
{
	(void)obj;
	percu_pool_destroy(0);
}
