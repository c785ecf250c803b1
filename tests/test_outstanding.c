/* SPDX-License-Identifier: MIT */
/*
 * tests/test_outstanding.c - how many objects of a pool can be out: its limit
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
#include "tests/source.h"

static uint64_t seed; /* of all threads; set before there are any */

enum {
	NR_THREADS = 8
};

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

static const CU_TestInfo tests[] = {
	{ "the limit is exact", limit_exact },
	{ "a get that fails otherwise leaves the limit alone",
	  limit_and_failure },
	{ "threads never have more than the limit", limit_threads },
	{ "a get is refused only at the limit", limit_honest },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("outstanding", tests);
}
