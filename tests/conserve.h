/* SPDX-License-Identifier: MIT */
/*
 * tests/conserve.h - is everything in exactly one place?
 *
 * For a moment at which no thread uses the library: what the pools, the page
 * heap and the statistics say of themselves must agree.
 */
#ifndef PERCU_TESTS_CONSERVE_H
#define PERCU_TESTS_CONSERVE_H

#include <percu/stats.h>
#include <stdio.h>

#include "pool/pool.h"
#include "slab/heap.h"
#include "sys/conf.h"
#include "sys/cpu.h"
#include "sys/tool.h"
#include "tests/heap.h"
#include "tests/pools.h"

/* Are hits hits here, or does every get and put take the slow path? */
static inline bool hits_are_hits(void)
{
	percu_mode();
	return cpu_info.rseq && !conf.debug && !tool_any();
}

/* Every pool that there is.  How many; 0 if one of them does not add up. */
static inline size_t pools_conserve(void)
{
	struct audit a;
	size_t n = 0;
	bool ok = true;

	list_for_each (l, &pools.list) {
		ok &= !pool_audit(list_entry(l, struct percu_pool, pools), &a);
		n++;
	}
	return ok ? n : 0;
}

static inline bool stats_agree(const struct percu_memstats *ms)
{
	uint64_t bytes = ms->large_bytes;

	for (int c = 0; c < PERCU_NR_CLASSES_MAX; c++)
		bytes += ms->by_size[c].bytes;
	return ms->sys == ms->heap_sys + ms->meta_sys &&
	       ms->heap_sys == ms->heap_inuse + ms->heap_idle &&
	       ms->heap_released <= ms->heap_idle && ms->alloc == bytes &&
	       ms->heap_objects == ms->mallocs - ms->frees;
}

static inline struct percu_memstats memstats(void)
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	return ms;
}

/* Pools, page heap and statistics. */
static inline bool all_conserve(void)
{
	struct percu_memstats ms = memstats();

	return pools_conserve() && !heap_check() && stats_agree(&ms);
}

#endif /* PERCU_TESTS_CONSERVE_H */
