/* SPDX-License-Identifier: MIT */
/* A pool is made and dropped. */
/* expect: -Wunused-result */
/* expect-clang: -Wunused-result */
#include <percu/pool.h>

void work(const struct percu_pool_attr *attr)
{
	percu_pool_create(attr);
}
