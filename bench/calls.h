/* SPDX-License-Identifier: MIT */
/*
 * bench/calls.h - percu's and the limit's functions as loops.h wants them
 *
 * ctx is the pool, or the size in bytes, or nothing.
 */
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

#include <percu/alloc.h>
#include <percu/pool.h>

#include "bench/limit.h"

static inline void *call_pool_get(void *pool)
{
	return percu_pool_get(pool);
}

static inline void call_pool_put(void *pool, void *p)
{
	percu_pool_put(pool, p);
}

static inline void *call_alloc(void *size)
{
	return percu_alloc((size_t)size);
}

static inline void call_free(void *size, void *p)
{
	(void)size;
	percu_free(p);
}

static inline void call_free_sized(void *size, void *p)
{
	percu_free_sized(p, (size_t)size);
}

static inline void *call_limit_get(void *none)
{
	(void)none;
	return limit_get();
}

static inline void call_limit_put(void *none, void *p)
{
	(void)none;
	limit_put(p);
}

#endif /* BENCH_CALLS_H */
