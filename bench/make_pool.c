/* SPDX-License-Identifier: MIT */
/* bench/make_pool.c - a pool, or an end */
#include <stdio.h>
#include <stdlib.h>

#include <percu/pool.h>

#include "bench/bench.h"

struct percu_pool *make_pool(const char *name, size_t size)
{
	struct percu_pool_attr attr = { .name = name, .size = size };
	struct percu_pool *pool = percu_pool_create(&attr);

	die_unless(pool, "percu_pool_create");
	return pool;
}
