/* SPDX-License-Identifier: MIT */
/* bench/pairs.c - a pair behind a call, of whichever form the program has */
#include "bench/calls.h"
#include "bench/loops.h"

void pair_limit(void *none, uint64_t iters)
{
	loop_pair(iters, call_limit_get, call_limit_put, none);
}

void pair_pool(void *pool, uint64_t iters)
{
	loop_pair(iters, call_pool_get, call_pool_put, pool);
}

void pair_alloc(void *size, uint64_t iters)
{
	loop_pair(iters, call_alloc, call_free, size);
}

void pair_sized(void *size, uint64_t iters)
{
	loop_pair(iters, call_alloc, call_free_sized, size);
}
