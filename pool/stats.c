/* SPDX-License-Identifier: MIT */
/*
 * pool/stats.c - adding it all up
 *
 * Each record's figures are exact (record_read()); what the whole adds up to
 * is as exact as the pool is quiet.  Puts are read before gets: each put that
 * is counted had its get before, so gets never read as fewer than puts, and
 * what is out never as negative.
 */
#include <string.h>

#include <percu/stats.h>

#include "pool/pool.h"
#include "slab/heap.h"
#include "slab/meta.h"
#include "sys/cpu.h"

void pool_sum(struct percu_pool *p, struct pool_sums *sum)
{
	char *base = __atomic_load_n(&p->records, __ATOMIC_ACQUIRE);
	struct record_counts c;

	memset(sum, 0, sizeof(*sum));
	sum->puts_rcu = retire_count(p, &sum->deferred);
	sum->puts = __atomic_load_n(&p->direct_puts, __ATOMIC_ACQUIRE);
	for (uint32_t i = 0; base && i < cpu_info.possible; i++) {
		if (!bitmap_test(p->open, i))
			continue;
		record_read(record_at(base, i), &c);
		sum->puts += c.puts;
	}
	sum->puts += sum->puts_rcu;
	sum->gets = __atomic_load_n(&p->direct_gets, __ATOMIC_ACQUIRE);
	for (uint32_t i = 0; base && i < cpu_info.possible; i++) {
		if (!bitmap_test(p->open, i))
			continue;
		record_read(record_at(base, i), &c);
		sum->gets += c.gets;
		sum->misses += counter_read(&record_at(base, i)->misses);
	}
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Objects in records and in the depot. */
static uint64_t pool_waiting(struct percu_pool *p)
{
	char *base = __atomic_load_n(&p->records, __ATOMIC_ACQUIRE);
	struct record_counts c;
	uint64_t n;

	lock_take(&p->depot.lock, LOCK_DEPOT);
	n = p->depot.nobj;
	lock_give(&p->depot.lock, LOCK_DEPOT);
	for (uint32_t i = 0; base && i < cpu_info.possible; i++) {
		if (!bitmap_test(p->open, i))
			continue;
		record_read(record_at(base, i), &c);
		n += c.count;
	}
	return n;
}

void pool_stats(struct percu_pool *pool, struct percu_pool_stats *st)
{
	struct pool_sums sum;

	memset(st, 0, sizeof(*st));
	memcpy(st->name, pool->name, sizeof(st->name));
	st->size = pool->attr.size;
	/* Destroyed before created, for the same reason as puts before gets. */
	st->destroyed = counter_read(pool->foreign ? &pool->unmade :
						     &pool->slab.destroyed);
	pool_sum(pool, &sum);
	st->created =
		counter_read(pool->foreign ? &pool->made : &pool->slab.created);
	if (pool->release) { /* what comes to it is handed out and made there */
		st->created = sum.gets = sum.puts_rcu;
		st->destroyed = sum.puts_rcu - sum.deferred;
	}
	st->gets = sum.gets;
	st->puts = sum.puts - sum.puts_rcu;
	st->puts_rcu = sum.puts_rcu;
	st->deferred = sum.deferred;
	st->misses = sum.misses + counter_read(&pool->direct_misses);
	st->outstanding = sum.gets - sum.puts;
	st->cached = minus(st->created - st->destroyed,
			   st->outstanding + st->deferred);
	st->limit_hits = counter_read(&pool->limit_hits);
	st->failures = counter_read(&pool->failures);
}

PERCU_API int percu_pool_stats(struct percu_pool *pool,
			       struct percu_pool_stats *st)
{
	pool_check(pool, "stats");
	pool_stats(pool, st);
	return 0;
}

/*
 * What ended pools have counted: totals that only grow must not shrink when a
 * pool goes.  Under the list lock, like the list that the pool leaves.
 */
static struct percu_memstats past;

/* One pool's part of the whole. */
static void memstats_add(struct percu_memstats *ms, struct percu_pool *p)
{
	struct percu_pool_stats st;
	struct percu_size_stats *by;
	uint64_t bytes;

	if (p->release) /* not from percu */
		return;
	pool_stats(p, &st);
	st.puts += st.puts_rcu;
	bytes = st.outstanding * st.size;
	ms->deferred += st.deferred * st.size;
	ms->mallocs += st.gets;
	ms->frees += st.puts;
	ms->alloc += bytes;
	/* What waits outside the slab; the slab's free slots are no cache. */
	ms->cached += pool_waiting(p) * st.size;
	if (st.size > CLASS_MAX) {
		ms->large_mallocs += st.gets;
		ms->large_frees += st.puts;
		ms->large_bytes += bytes;
	} else if (st.size) {
		by = &ms->by_size[class_of(st.size)];
		by->mallocs += st.gets;
		by->frees += st.puts;
		by->bytes += bytes;
	}
}

void stats_keep(struct percu_pool *p)
{
	memstats_add(&past, p);
	past.cached = 0; /* what waits in it is about to go */
	past.deferred = 0;
}

static void memstats_large(struct percu_memstats *ms)
{
	uint64_t frees = __atomic_load_n(&large_stats.frees, __ATOMIC_ACQUIRE);
	uint64_t out =
		__atomic_load_n(&large_stats.bytes_out, __ATOMIC_ACQUIRE);
	uint64_t mallocs = counter_read(&large_stats.mallocs);
	uint64_t back =
		__atomic_load_n(&large_stats.bytes_back, __ATOMIC_ACQUIRE);
	uint64_t bytes = minus(counter_read(&large_stats.bytes_in), out);

	ms->mallocs += mallocs;
	ms->frees += frees;
	ms->alloc += bytes;
	ms->deferred += minus(counter_read(&large_stats.bytes_out), back);
	ms->large_mallocs += mallocs;
	ms->large_frees += frees;
	ms->large_bytes += bytes;
}

PERCU_API int percu_memstats(struct percu_memstats *ms)
{
	struct heap_stats heap;

	static_assert((int)NR_CLASSES <= (int)PERCU_NR_CLASSES_MAX, "they fit");
	pool_init();
	lock_take(&pools.list_lock, LOCK_POOLS);
	*ms = past;
	list_for_each (l, &pools.list)
		memstats_add(ms, list_entry(l, struct percu_pool, pools));
	lock_give(&pools.list_lock, LOCK_POOLS);
	memstats_large(ms);
	for (unsigned int c = 0; c < NR_CLASSES; c++)
		ms->by_size[c].size = class_size[c];
	ms->heap_objects = ms->mallocs - ms->frees;
	heap_stats(&heap);
	ms->heap_sys = heap.sys;
	ms->heap_inuse = heap.inuse;
	ms->heap_idle = heap.idle;
	ms->heap_released = heap.released;
	ms->meta_sys = meta_sys();
	ms->sys = ms->heap_sys + ms->meta_sys;
	ms->ages = counter_read(&pools.ages);
	ms->defer_soft = graces.soft;
	ms->defer_hard = graces.hard;
	ms->grace_periods = counter_read(&graces.rounds);
	ms->grace_ns = counter_read(&graces.ns);
	ms->grace_max_ns = counter_read(&graces.ns_max);
	return 0;
}
