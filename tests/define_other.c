/* SPDX-License-Identifier: MIT */
/* tests/define_other.c - the other file of test_define, which defines "shared" */
#include "tests/define.h"

struct twice {
	char of_another_size[200];
};

PERCU_POOL_DEFINE(twice, struct twice);
PERCU_POOL_DEFINE_SHARED(shared, struct shared, .limit = 5);

struct percu_pool *other_pool(void)
{
	return twice_pool();
}

struct shared *other_shared_get(void)
{
	return shared_get();
}
