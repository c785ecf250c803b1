/* SPDX-License-Identifier: MIT */
/*
 * tests/test_reserve.c - how many objects of a pool must be there: its reserve
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
#include "tests/records.h"
#include "tests/source.h"

static uint64_t seed; /* of all threads; set before there are any */

enum {
	NR_THREADS = 8
};

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

/* A pool need not be able to destroy what it makes. */
static char stock[200];
static size_t taken;

static void *stock_create(void *arg)
{
	(void)arg;
	return taken < sizeof(stock) ? &stock[taken++] : NULL;
}

static void stock_reset(void *obj, void *arg)
{
	(void)obj, (void)arg;
}

static void in_vain_child(void *arg)
{
	static const struct percu_pool_attr attr = { .create = stock_create,
						     .reset = stock_reset,
						     .reserve = 10 };
	struct percu_pool *p = percu_pool_create(&attr);
	size_t got = 1;

	(void)arg;
	child_must(p && percu_pool_get(p));
	eat_records();
	while (percu_pool_get(p))
		got++;
	child_must(errno == ENOMEM && got == taken && got < sizeof(stock));
	os_fault_disarm();
	while (percu_pool_get(p))
		got++;
	child_must(got == sizeof(stock));
}

/* Law: what there is no memory to remember is not made in the first place. */
static void none_in_vain(void)
{
	char out[500];

	CU_ASSERT(!check_fork(in_vain_child, NULL, out, sizeof(out)));
	CU_ASSERT_STRING_EQUAL(out, "");
}

static const CU_TestInfo tests[] = {
	{ "a reserve is made with its pool", reserve_made },
	{ "a reserve is made while everything ages", reserve_aged },
	{ "a reserve is there without memory", reserve_kept },
	{ "on one CPU it is there without the system", reserve_pinned },
	{ "a reserve is there while others get and put", reserve_churn },
	{ "a reserve keeps no more than itself", reserve_no_more },
	{ "a reserve stays under shrinks at once", reserve_shrunk },
	{ "what cannot be remembered is not made", none_in_vain },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("reserve", tests);
}
