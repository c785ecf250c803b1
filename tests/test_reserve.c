/* SPDX-License-Identifier: MIT */
/*
 * tests/test_reserve.c - how many objects of a pool can be out, and must be
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool/pool.h"
#include "sys/os.h"
#include "tests/check.h"
#include "tests/pools.h"

static uint64_t seed; /* of all threads; set before there are any */

enum {
	NR_THREADS = 8
};

/* Foreign objects that can be had while more is true. */
static struct source {
	bool dry;
	unsigned long created, destroyed;
} source;

static void *source_create(void *arg)
{
	struct source *s = arg;

	if (__atomic_load_n(&s->dry, __ATOMIC_RELAXED))
		return NULL;
	__atomic_fetch_add(&s->created, 1, __ATOMIC_RELAXED);
	return malloc(8);
}

static void source_destroy(void *obj, void *arg)
{
	struct source *s = arg;

	__atomic_fetch_add(&s->destroyed, 1, __ATOMIC_RELAXED);
	free(obj);
}

static const struct percu_pool_attr slab = { .name = "slab", .size = 200 };
static const struct percu_pool_attr large = { .name = "large", .size = 8192 };
static const struct percu_pool_attr foreign = {
	.name = "foreign",
	.create = source_create,
	.destroy = source_destroy,
	.arg = &source,
};

static struct percu_pool *pool(const struct percu_pool_attr *base, size_t limit,
			       size_t reserve)
{
	struct percu_pool_attr attr = *base;
	struct percu_pool *p;

	source = (struct source){ .dry = false };
	attr.limit = limit;
	attr.reserve = reserve;
	p = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

/* Limit. ------------------------------------------------------------------ */

/* Law: the limit and not one more, each failure ENOMEM and counted. */
static void limit_alone(const struct percu_pool_attr *attr, size_t limit)
{
	struct percu_pool *p = pool(attr, limit, 0);
	struct percu_pool_stats st;
	void *obj[130];

	for (uint64_t round = 1; round <= 4; round++) {
		errno = 0;
		CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, limit + 1), limit);
		CU_ASSERT_EQUAL(errno, ENOMEM);
		errno = 0;
		CU_ASSERT_PTR_NULL(percu_pool_get(p));
		CU_ASSERT_EQUAL(errno, ENOMEM);
		percu_pool_put(p, obj[limit - 1]);
		obj[limit - 1] = percu_pool_get(p);
		CU_ASSERT_PTR_NOT_NULL(obj[limit - 1]);
		st = stats_of(p);
		CU_ASSERT_EQUAL(st.outstanding, limit);
		CU_ASSERT_EQUAL(st.limit_hits, 2 * round);
		CU_ASSERT_EQUAL(st.failures, 2 * round);
		CU_ASSERT_EQUAL(st.gets, (limit + 1) * round);
		percu_pool_put_bulk(p, obj, limit);
		if (round == 2)
			percu_pool_shrink(p);
	}
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

static void limit_exact(void)
{
	static const size_t limit[] = { 1, 2, 59, 60, 61, 120, 128 };

	for (size_t i = 0; i < sizeof(limit) / sizeof(*limit); i++) {
		limit_alone(&slab, limit[i]);
		limit_alone(&foreign, limit[i]);
	}
	ASSERT_POOLS_HOLD(0);
}

/* A get that fails for another reason does not count towards the limit. */
static void limit_and_failure(void)
{
	struct percu_pool *p = pool(&foreign, 2, 0);
	void *a, *b;

	source.dry = true;
	for (int i = 0; i < 5; i++)
		CU_ASSERT_PTR_NULL(percu_pool_get(p));
	CU_ASSERT_EQUAL(stats_of(p).limit_hits, 0);
	CU_ASSERT_EQUAL(stats_of(p).failures, 5);
	source.dry = false;
	a = percu_pool_get(p);
	b = percu_pool_get(p);
	CU_ASSERT(a && b);
	percu_pool_put(p, a);
	percu_pool_put(p, b);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	ASSERT_POOLS_HOLD(0);
}

/* What the threads of one test share. */
static struct limited {
	struct percu_pool *pool;
	int limit, out, most, rounds;
	uint64_t end; /* by os_clock_coarse() */
	unsigned long got, failed, wrong;
} lim;

static void limit_thread(unsigned int i, void *arg)
{
	struct check_rand r = { seed + i };
	void *held[8];
	int n = 0, out;

	for (int k = 0; k < lim.rounds; k++) {
		if (n < 8 && check_rand_below(&r, 3)) {
			held[n] = percu_pool_get(lim.pool);
			if (!held[n]) {
				__atomic_fetch_add(&lim.failed, 1,
						   __ATOMIC_RELAXED);
				continue;
			}
			n++;
			out = __atomic_add_fetch(&lim.out, 1, __ATOMIC_SEQ_CST);
			if (out > lim.limit)
				__atomic_fetch_add(&lim.wrong, 1,
						   __ATOMIC_RELAXED);
		} else if (n) {
			__atomic_fetch_sub(&lim.out, 1, __ATOMIC_SEQ_CST);
			percu_pool_put(lim.pool, held[--n]);
		}
	}
	__atomic_fetch_sub(&lim.out, n, __ATOMIC_SEQ_CST);
	percu_pool_put_bulk(lim.pool, held, (size_t)n);
	(void)arg;
}

/* Law: with 8 threads too there are never more out than the limit. */
static void limit_threads(void)
{
	for (int foreign_too = 0; foreign_too < 2; foreign_too++) {
		lim = (struct limited){
			.pool = pool(foreign_too ? &foreign : &slab, 20, 0),
			.limit = 20,
			.rounds = check_short() ? 3000 : 100000,
		};
		seed = check_seed();
		check_threads(NR_THREADS, limit_thread, NULL);
		CU_ASSERT_EQUAL(lim.wrong, 0);
		CU_ASSERT_EQUAL(stats_of(lim.pool).limit_hits, lim.failed);
		CU_ASSERT_EQUAL(stats_of(lim.pool).failures, lim.failed);
		printf("(%lu at the limit) ", lim.failed);
		ASSERT_POOLS_HOLD(0);
		CU_ASSERT_EQUAL(percu_pool_destroy(lim.pool), 0);
	}
}

/*
 * Law: a get fails only if, at some moment of the call, as many are out as
 * may be.  Thread 0 watches the others: where its get fails though none of
 * them had an object when it began, and none of their calls from then until
 * it failed got one, the failure was a lie.
 */
enum {
	LOG = 4096
};

static struct other {
	unsigned long calls; /* that have ended */
	int has;
	bool got[LOG]; /* the result of call number % LOG */
} __attribute__((aligned(128))) others[2];

static bool watch_stop;

static void watch_other(struct other *o)
{
	unsigned long call = o->calls;

	while (!__atomic_load_n(&watch_stop, __ATOMIC_RELAXED)) {
		void *obj = percu_pool_get(lim.pool);

		if (obj)
			__atomic_store_n(&o->has, 1, __ATOMIC_SEQ_CST);
		__atomic_store_n(&o->got[call++ % LOG], obj != NULL,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&o->calls, call, __ATOMIC_SEQ_CST);
		if (obj) {
			percu_pool_put(lim.pool, obj);
			__atomic_store_n(&o->has, 0, __ATOMIC_SEQ_CST);
		}
	}
	/* Whoever waits for this one's call to end shall not wait for ever. */
	__atomic_fetch_add(&o->calls, LOG, __ATOMIC_SEQ_CST);
}

/* Did o get one in its calls from first to the one that is under way? */
static bool watch_excuse(struct other *o, unsigned long first)
{
	unsigned long now = __atomic_load_n(&o->calls, __ATOMIC_SEQ_CST);
	unsigned long calls;

	while ((calls = __atomic_load_n(&o->calls, __ATOMIC_SEQ_CST)) == now)
		sched_yield();
	if (calls - first >= LOG)
		return true; /* the log is gone */
	for (; first <= now; first++)
		if (__atomic_load_n(&o->got[first % LOG], __ATOMIC_RELAXED))
			return true;
	return false;
}

static void watch_thread(unsigned int i, void *arg)
{
	unsigned long first[2];
	bool excuse;
	void *obj;

	(void)arg;
	if (i) {
		watch_other(&others[i - 1]);
		return;
	}
	while (!__atomic_load_n(&others[0].calls, __ATOMIC_RELAXED))
		sched_yield();
	while (lim.failed < (unsigned int)lim.rounds &&
	       os_clock_coarse() < lim.end) {
		excuse = false;
		for (int o = 0; o < 2; o++) {
			first[o] = __atomic_load_n(&others[o].calls,
						   __ATOMIC_SEQ_CST);
			excuse |= __atomic_load_n(&others[o].has,
						  __ATOMIC_SEQ_CST);
		}
		obj = percu_pool_get(lim.pool);
		if (obj) {
			lim.got++;
			percu_pool_put(lim.pool, obj);
			continue;
		}
		if (excuse) {
			sched_yield();
			continue;
		}
		lim.failed++;
		for (int o = 0; o < 2 && !excuse; o++)
			excuse = watch_excuse(&others[o], first[o]);
		lim.wrong += !excuse;
	}
	__atomic_store_n(&watch_stop, true, __ATOMIC_RELAXED);
}

static void limit_honest(void)
{
	lim = (struct limited){
		.pool = pool(&slab, 1, 0),
		.rounds = check_short() ? 500 : 20000,
		.end = os_clock_coarse() +
		       (check_short() ? 300 : 1500) * 1000000ull,
	};
	watch_stop = false;
	check_threads(3, watch_thread, NULL);
	printf("(%lu got, %lu refused) ", lim.got, lim.failed);
	CU_ASSERT_EQUAL(lim.wrong, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(lim.pool), 0);
	ASSERT_POOLS_HOLD(0);
}

/* Reserve. ---------------------------------------------------------------- */

/* Whatever brings memory; a fence brings none. */
enum {
	MEMORY = 1 << OS_RESERVE | 1 << OS_COMMIT | 1 << OS_RELEASE |
		 1 << OS_MAP | 1 << OS_UNMAP,
	EVERYTHING = (1 << OS_NR_CALLS) - 1,
};

static void hunger(unsigned int mask)
{
	__atomic_store_n(&source.dry, true, __ATOMIC_RELAXED);
	os_fault_arm(mask, 1, true);
}

static void relief(void)
{
	os_fault_disarm();
	__atomic_store_n(&source.dry, false, __ATOMIC_RELAXED);
}

/* Law: the reserve is there when the pool is, and never more than once. */
static void reserve_made(void)
{
	struct percu_pool *p = pool(&foreign, 0, 77);

	CU_ASSERT_EQUAL(source.created, 77);
	CU_ASSERT_EQUAL(stats_of(p).cached, 77);
	CU_ASSERT_EQUAL(stats_of(p).gets, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	CU_ASSERT_EQUAL(source.destroyed, 77);
	p = pool(&slab, 0, 77);
	CU_ASSERT(stats_of(p).cached >= 77);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	/* More than the depots' budget. */
	p = pool(&large, 0, 5000);
	CU_ASSERT(5000 * large.size > pools.depot_max);
	CU_ASSERT(stats_of(p).created >= 5000);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	ASSERT_POOLS_HOLD(0);
}

enum {
	RESERVE = 200
};

/* The n-th part of the reserve: got by one thread and put by another. */
struct part {
	struct percu_pool *pool;
	void *obj[RESERVE];
	unsigned long missed;
};

/* Law: so it is where each object's making sees two ageings. */
static int ageing_ctor(void *obj, void *arg)
{
	(void)obj;
	(void)arg;
	percu_age();
	percu_age();
	return 0;
}

static void reserve_aged(void)
{
	struct percu_pool_attr attr = slab;
	struct percu_pool *p;

	attr.ctor = ageing_ctor;
	p = pool(&attr, 0, 100);
	CU_ASSERT(stats_of(p).created >= 100);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

static void part_get(unsigned int i, void *arg)
{
	struct part *part = arg;

	pin(i);
	for (size_t k = i; k < RESERVE; k += NR_THREADS) {
		part->obj[k] = percu_pool_get(part->pool);
		if (!part->obj[k])
			__atomic_fetch_add(&part->missed, 1, __ATOMIC_RELAXED);
	}
}

static void part_put(unsigned int i, void *arg)
{
	struct part *part = arg;

	pin(i + 1);
	for (size_t k = i; k < RESERVE; k += NR_THREADS)
		percu_pool_put(part->pool, part->obj[k]);
}

static void alone_get(unsigned int i, void *arg)
{
	struct part *part = arg;

	pin(i + 1);
	for (size_t k = 0; k < RESERVE; k++) {
		part->obj[k] = percu_pool_get(part->pool);
		part->missed += !part->obj[k];
	}
}

/* Whatever ageing took, the reserve is not among it. */
static bool part_stands(const struct part *part)
{
	struct percu_pool_stats st = stats_of(part->pool);

	return st.created - st.destroyed >= RESERVE;
}

static void part_rounds(struct part *part)
{
	for (int round = 0; round < 8; round++) {
		check_threads(NR_THREADS, part_get, part);
		CU_ASSERT_EQUAL(stats_of(part->pool).outstanding, RESERVE);
		check_threads(NR_THREADS, part_put, part);
		if (round & 1)
			percu_pool_age(part->pool);
		if (round & 2)
			percu_pool_shrink(part->pool);
		CU_ASSERT(part_stands(part));
		check_threads(1, alone_get, part);
		CU_ASSERT_EQUAL(stats_of(part->pool).outstanding, RESERVE);
		check_threads(NR_THREADS, part_put, part);
		if (round & 4) {
			percu_age();
			percu_age();
			CU_ASSERT(part_stands(part));
		}
	}
}

/*
 * Law: while fewer than the reserve are out a get succeeds: without memory,
 * from any thread and CPU, whoever put them, and after any ageing.
 */
static void reserve_kept(void)
{
	for (int foreign_too = 0; foreign_too < 2; foreign_too++) {
		struct part part = { .missed = 0 };

		part.pool = pool(foreign_too ? &foreign : &slab, 0, RESERVE);
		hunger(MEMORY);
		part_rounds(&part);
		CU_ASSERT(check_fired("no memory") > 0 || foreign_too);
		relief();
		CU_ASSERT_EQUAL(part.missed, 0);
		ASSERT_POOLS_HOLD(0);
		CU_ASSERT_EQUAL(percu_pool_destroy(part.pool), 0);
	}
}

/* On one CPU nothing at all is needed of the system. */
static void reserve_pinned(void)
{
	for (int foreign_too = 0; foreign_too < 2; foreign_too++) {
		struct percu_pool *p =
			pool(foreign_too ? &foreign : &slab, 0, RESERVE);
		void *obj[RESERVE];

		pin(0);
		hunger(EVERYTHING);
		for (int round = 0; round < 5; round++) {
			CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, RESERVE),
					RESERVE);
			for (int i = 0; i < RESERVE; i++)
				percu_pool_put(p, obj[i]);
			percu_pool_age(p);
		}
		check_fired("everything");
		relief();
		unpin();
		ASSERT_POOLS_HOLD(0);
		CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	}
}

/*
 * Law: the same while others get and put: of eight threads with an eighth of
 * the reserve each none ever goes without, in whosever hands the rest is.
 */
static void reserve_thread(unsigned int i, void *arg)
{
	struct check_rand r = { seed + i };
	struct part *part = arg;
	void *held[RESERVE / NR_THREADS];
	size_t n = 0, rounds = check_short() ? 3000 : 100000;

	for (size_t k = 0; k < rounds; k++) {
		/* Full hands, so that what is left is in somebody's slow path. */
		if (n < RESERVE / NR_THREADS && check_rand_below(&r, 16)) {
			held[n] = percu_pool_get(part->pool);
			if (held[n])
				n++;
			else
				__atomic_fetch_add(&part->missed, 1,
						   __ATOMIC_RELAXED);
		} else if (n) {
			percu_pool_put(part->pool, held[--n]);
			if (k % 256 < 16)
				sched_yield();
		}
		if (i == 0 && k % 1000 == 0)
			percu_pool_age(part->pool);
		if (i == 1 && k % 1500 == 0)
			percu_pool_shrink(part->pool);
	}
	percu_pool_put_bulk(part->pool, held, n);
}

static void reserve_churn(void)
{
	for (int foreign_too = 0; foreign_too < 2; foreign_too++) {
		struct part part = { .missed = 0 };

		part.pool = pool(foreign_too ? &foreign : &slab, 0, RESERVE);
		hunger(MEMORY);
		seed = check_seed();
		check_threads(NR_THREADS, reserve_thread, &part);
		alone_get(0, &part);
		unpin();
		check_fired("no memory");
		relief();
		CU_ASSERT_EQUAL(part.missed, 0);
		CU_ASSERT_EQUAL(stats_of(part.pool).failures, 0);
		ASSERT_POOLS_HOLD(RESERVE);
		percu_pool_put_bulk(part.pool, part.obj, RESERVE);
		CU_ASSERT_EQUAL(percu_pool_destroy(part.pool), 0);
	}
}

/* Law: a reserve keeps as many objects, and ageing takes the others. */
static void reserve_no_more(void)
{
	static const size_t reserve[] = { 1, 30, 100 };

	for (size_t i = 0; i < 3; i++) {
		struct percu_pool *p = pool(&foreign, 0, reserve[i]);
		void *obj[500];

		CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 500), 500);
		percu_pool_put_bulk(p, obj, 500);
		percu_pool_age(p);
		percu_pool_age(p);
		CU_ASSERT_EQUAL(stats_of(p).cached, reserve[i]);
		CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 500), 500);
		percu_pool_put_bulk(p, obj, 500);
		percu_pool_shrink(p);
		CU_ASSERT_EQUAL(stats_of(p).cached, reserve[i]);
		ASSERT_POOLS_HOLD(0);
		CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	}
}

/* Law: the reserve stays though threads take away what is over it at once. */
static void shrink_thread(unsigned int i, void *arg)
{
	struct percu_pool_stats st;
	struct part *part = arg;
	void *obj[60];

	for (int k = 0; k < (check_short() ? 300 : 3000); k++) {
		size_t n = percu_pool_get_bulk(part->pool, obj, 60);

		percu_pool_put_bulk(part->pool, obj, n);
		percu_pool_shrink(part->pool);
		/* What is destroyed is read before what is created. */
		st = stats_of(part->pool);
		if (st.created - st.destroyed < 100)
			__atomic_fetch_add(&part->missed, 1, __ATOMIC_RELAXED);
	}
	(void)i;
}

static void reserve_shrunk(void)
{
	struct part part = { .missed = 0 };

	part.pool = pool(&foreign, 0, 100);
	check_threads(4, shrink_thread, &part);
	CU_ASSERT_EQUAL(part.missed, 0);
	CU_ASSERT_EQUAL(stats_of(part.pool).cached, 100);
	ASSERT_POOLS_HOLD(0);
	CU_ASSERT_EQUAL(percu_pool_destroy(part.pool), 0);
}

static const CU_TestInfo tests[] = {
	{ "the limit is exact", limit_exact },
	{ "a get that fails otherwise leaves the limit alone",
	  limit_and_failure },
	{ "threads never have more than the limit", limit_threads },
	{ "a get is refused only at the limit", limit_honest },
	{ "a reserve is made with its pool", reserve_made },
	{ "a reserve is made while everything ages", reserve_aged },
	{ "a reserve is there without memory", reserve_kept },
	{ "on one CPU it is there without the system", reserve_pinned },
	{ "a reserve is there while others get and put", reserve_churn },
	{ "a reserve keeps no more than itself", reserve_no_more },
	{ "a reserve stays under shrinks at once", reserve_shrunk },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("reserve", tests);
}
