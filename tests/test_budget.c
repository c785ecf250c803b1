/* SPDX-License-Identifier: MIT */
/*
 * tests/test_budget.c - how much may wait, and where
 *
 * A record grows where it is used, within its CPU's budget, and shrinks by
 * ageing.  What waits in all pools together is bounded, whatever the threads
 * do.  Tests that need another budget run this program again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool/pool.h"
#include "sys/conf.h"
#include "sys/cpu.h"
#include "sys/report.h"
#include "tests/check.h"
#include "tests/pools.h"

static uint64_t seed; /* of all threads; set before there are any */

static void *any_create(void *arg)
{
	(void)arg;
	return malloc(32);
}

static void any_destroy(void *obj, void *arg)
{
	(void)arg;
	free(obj);
}

static const struct percu_pool_attr foreign = { .name = "foreign",
						.create = any_create,
						.destroy = any_destroy };

static const struct percu_pool_attr slab = { .name = "slab", .size = 64 };

static const struct percu_pool_attr *const both[] = { &foreign, &slab };

static struct percu_pool *pool(const struct percu_pool_attr *attr)
{
	struct percu_pool *p = percu_pool_create(attr);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

/* Misses of both kinds, one after the other. */
static void swing(struct percu_pool *p, int rounds)
{
	void *obj[300];

	for (int i = 0; i < rounds; i++) {
		for (int k = 0; k < 300; k++)
			obj[k] = percu_pool_get(p);
		for (int k = 0; k < 300; k++)
			percu_pool_put(p, obj[k]);
	}
}

/* Laws: a record grows where misses alternate, and shrinks when it is idle. */
static void record_adapts(void)
{
	struct percu_pool *p = pool(&slab);
	uint32_t first, most, now, before;

	percu_age();
	pin(0);
	CU_ASSERT_EQUAL(capacity_here(p), 0);
	percu_pool_put(p, percu_pool_get(p));
	first = capacity_here(p);
	swing(p, 20);
	most = capacity_here(p);
	printf("(%u, %u of %u", first, most, p->capacity_max);
	CU_ASSERT(first > 0);
	CU_ASSERT(first < most);
	CU_ASSERT_EQUAL(most, p->capacity_max);
	percu_pool_age(p); /* this one sees the misses */
	before = capacity_here(p);
	CU_ASSERT_EQUAL(before, most);
	for (int i = 0; i < 8; i++) {
		percu_pool_age(p);
		now = capacity_here(p);
		printf(", %u", now);
		CU_ASSERT(now < before || !before);
		before = now;
	}
	printf(") ");
	CU_ASSERT_EQUAL(before, 0);
	/* And it begins anew. */
	swing(p, 20);
	CU_ASSERT_EQUAL(capacity_here(p), most);
	unpin();
	ASSERT_POOLS_HOLD(0);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

/* Law: what no one uses any more leaves the whole budget to others. */
static void budget_returns(void)
{
	struct percu_pool *p[20];

	for (int i = 0; i < 20; i++) {
		p[i] = pool(i % 2 ? &slab : &foreign);
		swing(p[i], 3);
	}
	CU_ASSERT(budget_used() > 0);
	ASSERT_POOLS_HOLD(0);
	for (int i = 0; i < 12; i++)
		percu_age();
	CU_ASSERT_EQUAL(budget_used(), 0);
	CU_ASSERT_EQUAL(counter_read(&pools.depot_bytes), 0);
	for (int i = 0; i < 20; i++) {
		swing(p[i], 3);
		CU_ASSERT_EQUAL(percu_pool_destroy(p[i]), 0);
	}
	ASSERT_POOLS_HOLD(0);
}

/*
 * Law: a spill that finds less than it was to move, for the thread is on another
 * CPU by then or the pool is stopped, has taken no more room than that.
 */
static void short_spill(void)
{
	struct percu_pool *p = pool(&slab);
	void *obj[3];
	bool contended;

	pin(0);
	for (int i = 0; i < 3; i++)
		obj[i] = percu_pool_get(p);
	percu_pool_age(p);
	percu_pool_age(p); /* so that nothing else is cached */
	for (int i = 0; i < 3; i++)
		percu_pool_put(p, obj[i]);
	CU_ASSERT_EQUAL(depot_spill(p, record_here(p), p->magazine, &contended),
			3);
	CU_ASSERT_EQUAL(p->depot.nobj, 3);
	ASSERT_POOLS_HOLD(0);
	CU_ASSERT_EQUAL(depot_spill(p, record_here(p), p->magazine, &contended),
			0);
	CU_ASSERT_EQUAL(p->depot.nobj, 3);
	CU_ASSERT_PTR_EQUAL(p->depot.full.next->next, &p->depot.full);
	unpin();
	ASSERT_POOLS_HOLD(0);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

/* Bound. ------------------------------------------------------------------------ */

enum {
	NR_POOLS = 12,
	NR_THREADS = 4,
	OUT = 400
};

static struct load {
	struct percu_pool *pool[NR_POOLS];
	pthread_barrier_t turn;
	int rounds;
	bool age;
	uint64_t most, bound, over;
} load;

/* Bytes that wait in all pools, by their audits.  Nobody uses one meanwhile. */
static uint64_t waiting(void)
{
	uint64_t bytes = 0;
	struct audit a;

	list_for_each (l, &pools.list) {
		struct percu_pool *p = list_entry(l, struct percu_pool, pools);

		child_must(!pool_audit(p, &a));
		bytes += (a.records + a.depot) * p->weight;
	}
	return bytes;
}

static void load_turn(unsigned int i)
{
	uint64_t bytes;

	pthread_barrier_wait(&load.turn);
	if (i == 0) {
		bytes = waiting();
		load.most = bytes > load.most ? bytes : load.most;
		load.over += bytes > load.bound;
	}
	pthread_barrier_wait(&load.turn);
}

static void load_thread(unsigned int i, void *arg)
{
	struct check_rand r = { seed + i };
	struct percu_pool *p;
	void *obj[OUT];
	uint32_t n;

	(void)arg;
	for (int round = 0; round < load.rounds; round++) {
		/* Many objects out and back: more than there is room for. */
		for (int k = 0; k < 10; k++) {
			p = load.pool[check_rand_below(&r, NR_POOLS)];
			n = 1 + check_rand_below(&r, OUT - 1);
			child_must(percu_pool_get_bulk(p, obj, n) == n);
			if (load.age && check_rand_below(&r, 8) == 0)
				percu_age();
			if (check_rand_below(&r, 2))
				percu_pool_put_bulk(p, obj, n);
			else
				while (n)
					percu_pool_put(p, obj[--n]);
		}
		load_turn(i);
	}
}

static void load_begin(void)
{
	static const size_t size[] = { 16, 64, 200, 1000, 4096, 30000 };

	load = (struct load){ .rounds = check_short() ? 4 : 60 };
	load.bound =
		cpu_info.possible * (uint64_t)conf.cpu_cache + pools.depot_max;
	for (int i = 0; i < NR_POOLS; i++) {
		struct percu_pool_attr attr = { .size = size[i % 6] };

		if (i % 6 == 1)
			attr = foreign;
		load.pool[i] = percu_pool_create(&attr);
		child_must(load.pool[i]);
	}
}

static void load_end(void)
{
	for (int i = 0; i < NR_POOLS; i++)
		child_must(!percu_pool_destroy(load.pool[i]));
	pthread_barrier_destroy(&load.turn);
	child_must(pools_hold(0));
	/* It is a test only if there was too much for something. */
	child_must(load.most > pools.depot_max / 2);
}

static void load_run(bool age)
{
	load_begin();
	load.age = age;
	pthread_barrier_init(&load.turn, NULL, NR_THREADS);
	seed = check_seed();
	check_threads(NR_THREADS, load_thread, NULL);
	load_end();
	if (load.over)
		dprintf(STDERR_FILENO, "%s: %llu times over, %llu of %llu\n",
			age ? "with ageing" : "without ageing",
			(unsigned long long)load.over,
			(unsigned long long)load.most,
			(unsigned long long)load.bound);
}

/*
 * Law: what waits never exceeds the CPUs' budgets and the depots', whatever
 * the pools, the threads and the ageing.
 */
static void again_bounded(void)
{
	percu_mode();
	load_run(false);
	load_run(true);
	exit(0);
}

/*
 * Law: the same where a cycle comes between: what it moves from the records
 * to the depot makes room in them, and counts all the same.
 */
static void aged_put(void *obj[][OUT], uint32_t from, uint32_t to)
{
	pthread_barrier_wait(&load.turn);
	for (int k = 0; k < NR_POOLS; k++)
		percu_pool_put_bulk(load.pool[k], obj[k] + from, to - from);
	pthread_barrier_wait(&load.turn);
}

static void aged_thread(unsigned int i, void *arg)
{
	static void *obj[NR_THREADS][NR_POOLS][OUT];
	uint64_t bytes;

	(void)arg;
	pin(i);
	for (int k = 0; k < NR_POOLS; k++)
		child_must(percu_pool_get_bulk(load.pool[k], obj[i][k], OUT) ==
			   OUT);
	for (uint32_t n = 0; n < OUT; n += OUT / 4) {
		aged_put(obj[i], n, n + OUT / 4);
		if (i == 0) {
			bytes = waiting();
			load.most = bytes > load.most ? bytes : load.most;
			percu_age();
			bytes = waiting();
			load.most = bytes > load.most ? bytes : load.most;
		}
	}
}

static void again_aged(void)
{
	percu_mode();
	load_begin();
	pthread_barrier_init(&load.turn, NULL, 2);
	check_threads(2, aged_thread, NULL);
	load_end();
	if (load.most > load.bound)
		dprintf(STDERR_FILENO, "%llu of %llu\n",
			(unsigned long long)load.most,
			(unsigned long long)load.bound);
	exit(0);
}

static void bounded_aged(void)
{
	CU_ASSERT(run_again("cpu_cache:128k,depot_cache:64k", "aged"));
	CU_ASSERT(
		run_again("cpu_cache:128k,depot_cache:64k,mode:lock", "aged"));
}

static void bounded(void)
{
	CU_ASSERT(run_again("cpu_cache:64k,depot_cache:256k", "bounded"));
	CU_ASSERT(run_again("cpu_cache:1m,depot_cache:64k", "bounded"));
	CU_ASSERT(run_again("cpu_cache:8k,depot_cache:2m", "bounded"));
	CU_ASSERT(run_again("cpu_cache:64k,depot_cache:256k,mode:lock",
			    "bounded"));
}

/* Law: with a budget of so many bytes a record grows that far and no farther. */
static void again_small(void)
{
	struct percu_pool *p[3];
	struct percu_pool_attr attr = { .size = 64 };

	percu_mode();
	pin(0);
	for (int i = 0; i < 3; i++) {
		p[i] = percu_pool_create(&attr);
		swing(p[i], 20);
		child_must(budget_used() <= conf.cpu_cache);
	}
	child_must(budget_used() > conf.cpu_cache / 2);
	child_must(capacity_here(p[0]) < p[0]->capacity_max);
	/* The first gives its room up, and then another can have it. */
	child_must(!percu_pool_destroy(p[0]));
	swing(p[1], 20);
	child_must(budget_used() <= conf.cpu_cache);
	child_must(!percu_pool_destroy(p[1]));
	child_must(!percu_pool_destroy(p[2]));
	child_must(budget_used() == 0);
	child_must(pools_hold(0));
	exit(0);
}

/* Law: without any budget everything still works, from the slab. */
static void again_none(void)
{
	struct percu_pool *p;

	percu_mode();
	for (int i = 0; i < 2; i++) {
		p = percu_pool_create(both[i]);
		swing(p, 3);
		child_must(budget_used() == 0);
		child_must(stats_of(p).gets == 900);
		child_must(pools_hold(0));
		child_must(!percu_pool_destroy(p));
	}
	exit(0);
}

static void budgets(void)
{
	CU_ASSERT(run_again("cpu_cache:4k", "small"));
	CU_ASSERT(run_again("cpu_cache:4k,mode:lock", "small"));
	CU_ASSERT(run_again("cpu_cache:0", "none"));
	CU_ASSERT(run_again("cpu_cache:0,depot_cache:1", "none"));
}

static const CU_TestInfo tests[] = {
	{ "a record grows and shrinks", record_adapts },
	{ "idle pools leave the budget to others", budget_returns },
	{ "a spill takes the room that it fills", short_spill },
	{ "a record grows within its budget", budgets },
	{ "what waits is bounded", bounded },
	{ "what waits is bounded while it ages", bounded_aged },
	CU_TEST_INFO_NULL
};

static const struct again agains[] = {
	{ "bounded", again_bounded },
	{ "aged", again_aged },
	{ "small", again_small },
	{ "none", again_none },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	report_init();
	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("budget", tests);
}
