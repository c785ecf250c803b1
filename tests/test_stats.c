/* SPDX-License-Identifier: MIT */
/*
 * tests/test_stats.c - the figures, and that they agree
 *
 * What is promised at any time is tested with eight threads at work, what is
 * promised when all is quiet when all is quiet.  How the figures are written
 * is in test_write.c.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <percu/alloc.h>
#include <percu/stats.h>

#include "slab/class.h"
#include "sys/report.h"
#include "sys/tool.h"
#include "tests/check.h"
#include "tests/pools.h"

static uint64_t seed; /* of all threads; set before there are any */

/* The identities at the head of percu/stats.h. ----------------------------- */

static uint64_t by_size_bytes(const struct percu_memstats *ms)
{
	uint64_t bytes = 0;

	for (int i = 0; i < PERCU_NR_CLASSES_MAX; i++)
		bytes += ms->by_size[i].bytes;
	return bytes;
}

static const char *broken(const struct percu_memstats *ms)
{
	if (ms->sys != ms->heap_sys + ms->meta_sys)
		return "sys = heap_sys + meta_sys";
	if (ms->heap_sys != ms->heap_inuse + ms->heap_idle)
		return "heap_sys = heap_inuse + heap_idle";
	if (ms->heap_released > ms->heap_idle)
		return "heap_released <= heap_idle";
	if (ms->alloc != by_size_bytes(ms) + ms->large_bytes)
		return "alloc = sum of by_size + large_bytes";
	if (ms->heap_objects != ms->mallocs - ms->frees)
		return "heap_objects = mallocs - frees";
	if (ms->mallocs < ms->frees || ms->large_mallocs < ms->large_frees)
		return "mallocs >= frees";
	for (int i = 0; i < PERCU_NR_CLASSES_MAX; i++)
		if (ms->by_size[i].mallocs < ms->by_size[i].frees)
			return "by_size: mallocs >= frees";
	return NULL;
}

/* Counters of type "ever" only grow. */
static const char *shrunk(const struct percu_memstats *a,
			  const struct percu_memstats *b)
{
	if (b->mallocs < a->mallocs || b->frees < a->frees)
		return "mallocs, frees";
	if (b->large_mallocs < a->large_mallocs ||
	    b->large_frees < a->large_frees)
		return "large_mallocs, large_frees";
	if (b->ages < a->ages)
		return "ages";
	for (int i = 0; i < PERCU_NR_CLASSES_MAX; i++)
		if (b->by_size[i].mallocs < a->by_size[i].mallocs ||
		    b->by_size[i].frees < a->by_size[i].frees ||
		    b->by_size[i].size != a->by_size[i].size)
			return "by_size";
	return NULL;
}

static const char *pool_broken(const struct percu_pool_stats *st)
{
	if (st->gets < st->puts + st->puts_rcu)
		return "gets >= puts";
	if (st->outstanding != st->gets - st->puts - st->puts_rcu)
		return "outstanding = gets - puts";
	if (st->created < st->destroyed)
		return "created >= destroyed";
	if (st->limit_hits > st->failures)
		return "limit_hits <= failures";
	return NULL;
}

static const char *pool_shrunk(const struct percu_pool_stats *a,
			       const struct percu_pool_stats *b)
{
	if (b->gets < a->gets || b->puts < a->puts ||
	    b->puts_rcu < a->puts_rcu || b->misses < a->misses)
		return "gets, puts, misses";
	if (b->created < a->created || b->destroyed < a->destroyed)
		return "created, destroyed";
	if (b->limit_hits < a->limit_hits || b->failures < a->failures)
		return "limit_hits, failures";
	return NULL;
}

static bool says(const char *what, const char *where)
{
	if (what)
		printf("\n    %s: %s\n", where, what);
	return what != NULL;
}

/* Quiet. -------------------------------------------------------------------- */

/* Law: classes are listed smallest first, and as percu_good_size() has them. */
static void classes(void)
{
	struct percu_memstats ms;
	int n = 0;

	percu_memstats(&ms);
	while (n < PERCU_NR_CLASSES_MAX && ms.by_size[n].size)
		n++;
	CU_ASSERT_EQUAL(n, NR_CLASSES);
	for (int i = 0; i < n; i++) {
		if (i)
			CU_ASSERT(ms.by_size[i].size > ms.by_size[i - 1].size);
		if (!tool_redzone())
			CU_ASSERT_EQUAL(percu_good_size(ms.by_size[i].size),
					ms.by_size[i].size);
	}
	for (int i = n; i < PERCU_NR_CLASSES_MAX; i++)
		CU_ASSERT(!ms.by_size[i].size && !ms.by_size[i].mallocs &&
			  !ms.by_size[i].frees && !ms.by_size[i].bytes);
	CU_ASSERT_EQUAL(ms.by_size[n - 1].size, 32768);
}

static int class_of_size(const struct percu_memstats *ms, uint64_t size)
{
	int i = 0;

	while (ms->by_size[i].size < size)
		i++;
	return i;
}

/* Law: what blocks of each kind count, where, and for how long. */
static void blocks_count(void)
{
	static const size_t size[] = { 1, 8, 100, 1000, 32000 };
	size_t pad = tool_redzone() ? TOOL_REDZONE : 0;
	struct percu_memstats a, b, c;
	void *p[10];

	for (size_t i = 0; i < sizeof(size) / sizeof(*size); i++) {
		int k;

		percu_memstats(&a);
		k = class_of_size(&a, size[i] + pad);
		for (int n = 0; n < 10; n++)
			p[n] = percu_alloc(size[i]);
		percu_memstats(&b);
		CU_ASSERT_EQUAL(b.mallocs, a.mallocs + 10);
		CU_ASSERT_EQUAL(b.heap_objects, a.heap_objects + 10);
		CU_ASSERT_EQUAL(b.by_size[k].mallocs,
				a.by_size[k].mallocs + 10);
		CU_ASSERT_EQUAL(b.by_size[k].bytes,
				a.by_size[k].bytes + 10 * a.by_size[k].size);
		CU_ASSERT_EQUAL(b.alloc, a.alloc + 10 * a.by_size[k].size);
		for (int n = 0; n < 10; n++)
			percu_free(p[n]);
		percu_memstats(&c);
		CU_ASSERT_EQUAL(c.by_size[k].frees, a.by_size[k].frees + 10);
		CU_ASSERT_EQUAL(c.alloc, a.alloc);
		CU_ASSERT(c.cached >= a.by_size[k].size);
		CU_ASSERT_FALSE(says(broken(&c), "blocks"));
	}
	percu_memstats(&a);
	p[0] = percu_alloc(100000);
	percu_memstats(&b);
	CU_ASSERT_EQUAL(b.large_mallocs, a.large_mallocs + 1);
	CU_ASSERT(b.large_bytes >= a.large_bytes + 100000);
	CU_ASSERT(b.large_bytes < a.large_bytes + 120000);
	CU_ASSERT_EQUAL(b.alloc - a.alloc, b.large_bytes - a.large_bytes);
	percu_free(p[0]);
	percu_memstats(&c);
	CU_ASSERT_EQUAL(c.large_frees, a.large_frees + 1);
	CU_ASSERT_EQUAL(c.large_bytes, a.large_bytes);
	ASSERT_POOLS_HOLD(0);
}

/* Law: typed objects count with their own size, under their class or large. */
static void objects_count(void)
{
	static const size_t size[] = { 1, 50, 200, 32768, 32769, 200000 };
	struct percu_memstats a, b;
	void *obj[7];

	for (size_t i = 0; i < sizeof(size) / sizeof(*size); i++) {
		const struct percu_pool_attr attr = { .size = size[i] };
		struct percu_pool *p = percu_pool_create(&attr);
		uint64_t bytes = 7 * size[i];
		int k;

		percu_memstats(&a);
		CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 7), 7);
		percu_memstats(&b);
		CU_ASSERT_EQUAL(b.mallocs, a.mallocs + 7);
		CU_ASSERT_EQUAL(b.alloc, a.alloc + bytes);
		if (size[i] > 32768) {
			CU_ASSERT_EQUAL(b.large_mallocs, a.large_mallocs + 7);
			CU_ASSERT_EQUAL(b.large_bytes, a.large_bytes + bytes);
		} else {
			k = class_of_size(&a, size[i]);
			CU_ASSERT_EQUAL(b.by_size[k].mallocs,
					a.by_size[k].mallocs + 7);
			CU_ASSERT_EQUAL(b.by_size[k].bytes,
					a.by_size[k].bytes + bytes);
		}
		percu_pool_put_bulk(p, obj, 7);
		percu_memstats(&b);
		CU_ASSERT_EQUAL(b.alloc, a.alloc);
		CU_ASSERT_EQUAL(b.frees, a.frees + 7);
		CU_ASSERT(b.cached > 0);
		CU_ASSERT_FALSE(says(broken(&b), "objects"));
		CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	}
	ASSERT_POOLS_HOLD(0);
}

/* Law: what pools counted is kept in the totals when they have ended. */
static void *create_any(void *arg)
{
	(void)arg;
	return malloc(4);
}

static void destroy_any(void *obj, void *arg)
{
	(void)arg;
	free(obj);
}

static void ended_pools(void)
{
	const struct percu_pool_attr attr[] = {
		{ .size = 48 },
		{ .size = 100000 },
		{ .create = create_any, .destroy = destroy_any },
	};
	struct percu_memstats a, b, c;

	for (int i = 0; i < 3; i++) {
		struct percu_pool *p = percu_pool_create(&attr[i]);

		percu_memstats(&a);
		for (int k = 0; k < 1000; k++)
			percu_pool_put(p, percu_pool_get(p));
		percu_memstats(&b);
		CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
		percu_memstats(&c);
		CU_ASSERT_EQUAL(c.mallocs, a.mallocs + 1000);
		CU_ASSERT_EQUAL(c.frees, a.frees + 1000);
		CU_ASSERT_FALSE(says(shrunk(&b, &c), "ended"));
		CU_ASSERT_FALSE(says(broken(&c), "ended"));
		CU_ASSERT(c.cached <= a.cached);
		CU_ASSERT_EQUAL(c.alloc, a.alloc);
	}
	ASSERT_POOLS_HOLD(0);
}

/* Law: fresh figures of a pool, step by step. */
static void steps(void)
{
	const struct percu_pool_attr attr = { .name = "steps",
					      .create = create_any,
					      .destroy = destroy_any };
	struct percu_pool *p = percu_pool_create(&attr);
	const struct percu_pool_stats none = { .name = "steps" };
	struct percu_pool_stats st;
	void *a, *b;

	memset(&st, 0xff, sizeof(st));
	CU_ASSERT_EQUAL(percu_pool_stats(p, &st), 0);
	CU_ASSERT_EQUAL(memcmp(&st, &none, sizeof(st)), 0);
	a = percu_pool_get(p);
	b = percu_pool_get(p);
	st = stats_of(p);
	CU_ASSERT(st.gets == 2 && st.puts == 0 && st.misses == 2 &&
		  st.created == 2 && st.outstanding == 2 && st.cached == 0);
	percu_pool_put(p, a);
	st = stats_of(p);
	CU_ASSERT(st.gets == 2 && st.puts == 1 && st.outstanding == 1 &&
		  st.cached == 1 && st.destroyed == 0);
	percu_pool_put(p, b);
	percu_pool_shrink(p);
	st = stats_of(p);
	CU_ASSERT(st.puts == 2 && st.outstanding == 0 && st.cached == 0 &&
		  st.created == 2 && st.destroyed == 2);
	CU_ASSERT(st.puts_rcu == 0 && st.deferred == 0 && st.failures == 0 &&
		  st.limit_hits == 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	ASSERT_POOLS_HOLD(0);
}

/* Law: a record counts every get and put, however they come. */
static void exact(void)
{
	const struct percu_pool_attr attr = { .size = 24 };
	struct percu_pool *p = percu_pool_create(&attr);
	struct check_rand r = { check_seed() };
	uint64_t gets = 0, puts = 0;
	unsigned int bad = 0;
	size_t n = 0, k;
	void *obj[900];

	for (int i = 0; i < (check_short() ? 2000 : 50000); i++) {
		k = check_rand_below(&r, 8) ? 1 : check_rand_below(&r, 300);
		if (check_rand_below(&r, 2) && n + k <= 900) {
			if (k == 1)
				obj[n] = percu_pool_get(p);
			else
				bad += percu_pool_get_bulk(p, obj + n, k) != k;
			n += k;
			gets += k;
		} else if (n >= k) {
			n -= k;
			percu_pool_put_bulk(p, obj + n, k);
			puts += k;
		}
		bad += stats_of(p).gets != gets || stats_of(p).puts != puts;
		if (check_rand_below(&r, 500) == 0)
			percu_pool_age(p);
	}
	CU_ASSERT_EQUAL(bad, 0);
	ASSERT_POOLS_HOLD(n);
	percu_pool_put_bulk(p, obj, n);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

/* Under load. ---------------------------------------------------------------- */

enum {
	NR_THREADS = 8,
	NR_POOLS = 3,
	HELD = 64,
	MIN_READS = 50
};

static struct load {
	struct percu_pool *pool[NR_POOLS];
	int rounds;
	uint32_t running;                /* (a) */
	uint64_t gets[NR_POOLS], blocks; /* (a) what was really done */
	uint64_t ended;                  /* (a) pools that came and went */
	unsigned long reads;             /* (a) */
	unsigned long bad;
} load;

struct hand {
	void *obj[HELD];
	int pool[HELD]; /* -1: a block */
	int n;
};

static void hand_take(struct hand *h, struct check_rand *r)
{
	uint32_t what = check_rand_below(r, 10);
	void *obj;

	h->pool[h->n] = what < 6 ? (int)(what % NR_POOLS) : -1;
	if (what < 6)
		obj = percu_pool_get(load.pool[what % NR_POOLS]);
	else
		obj = percu_alloc(
			check_rand_below(r, what == 9 ? 60000 : 2000));
	if (!obj)
		return; /* at the limit of one of them */
	if (what < 6)
		__atomic_fetch_add(&load.gets[what % NR_POOLS], 1,
				   __ATOMIC_RELAXED);
	else
		__atomic_fetch_add(&load.blocks, 1, __ATOMIC_RELAXED);
	h->obj[h->n++] = obj;
}

static void hand_give(struct hand *h, int i)
{
	if (h->pool[i] < 0)
		percu_free(h->obj[i]);
	else
		percu_pool_put(load.pool[h->pool[i]], h->obj[i]);
	h->n--;
	h->obj[i] = h->obj[h->n];
	h->pool[i] = h->pool[h->n];
}

static void churn(unsigned int i)
{
	const struct percu_pool_attr attr = { .size = 72 };
	struct check_rand r = { seed + i };
	struct hand h = { .n = 0 };

	/* As long as it takes the reader to have read. */
	for (int k = 0;
	     k < load.rounds ||
	     __atomic_load_n(&load.reads, __ATOMIC_RELAXED) < MIN_READS;
	     k++) {
		if (h.n < HELD && (check_rand_below(&r, 2) || !h.n))
			hand_take(&h, &r);
		else
			hand_give(&h, (int)check_rand_below(&r, (uint32_t)h.n));
		if (k % 2000 == 0) {
			struct percu_pool *p = percu_pool_create(&attr);

			percu_pool_put(p, percu_pool_get(p));
			percu_pool_destroy(p);
			__atomic_fetch_add(&load.ended, 1, __ATOMIC_RELAXED);
		}
		if (i == 0 && k % 5000 == 0)
			percu_age();
	}
	while (h.n)
		hand_give(&h, h.n - 1);
	__atomic_fetch_sub(&load.running, 1, __ATOMIC_RELAXED);
}

static void read_on(void)
{
	struct percu_memstats a, b;
	struct percu_pool_stats sa[NR_POOLS], sb;

	percu_memstats(&a);
	for (int i = 0; i < NR_POOLS; i++)
		sa[i] = stats_of(load.pool[i]);
	while (__atomic_load_n(&load.running, __ATOMIC_RELAXED)) {
		percu_memstats(&b);
		load.bad += says(broken(&b), "load");
		load.bad += says(shrunk(&a, &b), "load shrank");
		a = b;
		for (int i = 0; i < NR_POOLS; i++) {
			sb = stats_of(load.pool[i]);
			load.bad += says(pool_broken(&sb), sb.name);
			load.bad += says(pool_shrunk(&sa[i], &sb), sb.name);
			sa[i] = sb;
		}
		__atomic_fetch_add(&load.reads, 1, __ATOMIC_RELAXED);
	}
}

static void load_thread(unsigned int i, void *arg)
{
	(void)arg;
	if (i == NR_THREADS)
		read_on();
	else
		churn(i);
}

/* Laws: all identities on every read, nothing shrinks, exact in the end. */
static void under_load(void)
{
	const struct percu_pool_attr attr[NR_POOLS] = {
		{ .name = "slab", .size = 100 },
		{ .name = "limited", .size = 40, .limit = 100 },
		{ .name = "foreign",
		  .create = create_any,
		  .destroy = destroy_any },
	};
	struct percu_memstats before, after;
	uint64_t total = 0;

	memset(&load, 0, sizeof(load));
	load.rounds = check_short() ? 3000 : 150000;
	load.running = NR_THREADS;
	for (int i = 0; i < NR_POOLS; i++)
		load.pool[i] = percu_pool_create(&attr[i]);
	percu_memstats(&before);
	seed = check_seed();
	check_threads(NR_THREADS + 1, load_thread, NULL);
	percu_memstats(&after);
	printf("(%lu reads) ", load.reads);
	CU_ASSERT_EQUAL(load.bad, 0);
	CU_ASSERT(load.reads >= MIN_READS);
	for (int i = 0; i < NR_POOLS; i++) {
		struct percu_pool_stats st = stats_of(load.pool[i]);

		CU_ASSERT_EQUAL(st.gets, load.gets[i]);
		CU_ASSERT_EQUAL(st.puts, load.gets[i]);
		total += load.gets[i];
	}
	total += load.blocks + load.ended; /* with one object each */
	CU_ASSERT_EQUAL(after.mallocs - before.mallocs, total);
	CU_ASSERT_EQUAL(after.frees - before.frees, total);
	ASSERT_POOLS_HOLD(0);
	for (int i = 0; i < NR_POOLS; i++)
		CU_ASSERT_EQUAL(percu_pool_destroy(load.pool[i]), 0);
	ASSERT_POOLS_HOLD(0);
}

/* Mode. ---------------------------------------------------------------------- */

/* Laws: the mode is what the machine has; the variable forces the lock path. */
static void mode(void)
{
	printf("(%s) ", percu_mode());
	CU_ASSERT_STRING_EQUAL(percu_mode(), mode_expected());
	CU_ASSERT(run_again("mode:lock", "lock"));
	CU_ASSERT(run_again("mode:auto", "auto"));
	CU_ASSERT(run_again("debug:1", "auto"));
}

static void again_lock(void)
{
	child_must(!strcmp(percu_mode(), "lock"));
	child_must(pools_hold(0));
}

static void again_auto(void)
{
	child_must(!strcmp(percu_mode(), mode_expected()));
	child_must(pools_hold(0));
}

static const CU_TestInfo tests[] = {
	{ "the mode is the machine's, or lock", mode },
	{ "the classes are listed", classes },
	{ "a new pool's figures, step by step", steps },
	{ "every get and put counts", exact },
	{ "blocks count under their class", blocks_count },
	{ "typed objects count with their own size", objects_count },
	{ "ended pools stay in the totals", ended_pools },
	{ "identities hold while threads are at work", under_load },
	CU_TEST_INFO_NULL
};

static const struct again agains[] = {
	{ "lock", again_lock },
	{ "auto", again_auto },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	report_init();
	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("stats", tests);
}
