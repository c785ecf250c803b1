/* SPDX-License-Identifier: MIT */
/*
 * bench/pair_inline.c - get and put inlined into the loop
 *
 * In a file of its own, because <percu/inline.h> changes what the two names
 * mean for all that follows it.
 */
#include <percu/inline.h>

#include "bench/calls.h"
#include "bench/own_loops.h"

/* For scripts/golden.sh, which counts what is inlined by these. */
void *inlined_get(struct percu_pool *pool)
{
	return percu_pool_get(pool);
}

void inlined_put(struct percu_pool *pool, void *p)
{
	percu_pool_put(pool, p);
}

void pair_inlined(void *pool, uint64_t iters)
{
	loop_pair(iters, call_pool_get, call_pool_put, pool);
}
