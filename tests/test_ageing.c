/* SPDX-License-Identifier: MIT */
/*
 * tests/test_ageing.c - what becomes of idle objects, and of room for them
 *
 * An idle object survives one ageing cycle and not two.  A record grows where
 * it is used, within its CPU's budget, and shrinks by ageing.  What waits in
 * all pools together is bounded, whatever the threads do.
 *
 * Tests that need another budget run this program again.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <percu/alloc.h>

#include "pool/pool.h"
#include "sys/conf.h"
#include "sys/cpu.h"
#include "sys/os.h"
#include "sys/report.h"
#include "tests/check.h"
#include "tests/pools.h"

/* (a) What callbacks have counted. */
static uint64_t made, unmade;

static void *count_create(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
	return malloc(32);
}

static void count_destroy(void *obj, void *arg)
{
	(void)arg;
	__atomic_fetch_add(&unmade, 1, __ATOMIC_RELAXED);
	free(obj);
}

static int count_ctor(void *obj, void *arg)
{
	(void)arg;
	__atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
	memset(obj, 0x5a, 64);
	return 0;
}

static void count_dtor(void *obj, void *arg)
{
	(void)obj, (void)arg;
	__atomic_fetch_add(&unmade, 1, __ATOMIC_RELAXED);
}

static const struct percu_pool_attr foreign = {
	.name = "foreign", .create = count_create, .destroy = count_destroy
};

static const struct percu_pool_attr slab = {
	.name = "slab", .size = 64, .ctor = count_ctor, .dtor = count_dtor
};

static const struct percu_pool_attr *const both[] = { &foreign, &slab };

static struct percu_pool *pool(const struct percu_pool_attr *attr)
{
	struct percu_pool *p;

	made = unmade = 0;
	p = percu_pool_create(attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

static void end(struct percu_pool *p)
{
	ASSERT_POOLS_HOLD(0);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	CU_ASSERT_EQUAL(made, unmade);
}

/* n objects that lie idle: in a record or, where n is large, in the depot. */
static void idle(struct percu_pool *p, size_t n)
{
	void **obj = calloc(n, sizeof(*obj));

	CU_ASSERT_PTR_NOT_NULL_FATAL(obj);
	CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, n), n);
	for (size_t i = 0; i < n; i++)
		percu_pool_put(p, obj[i]);
	free(obj);
}

/* Age. ---------------------------------------------------------------------- */

static size_t age_one(struct percu_pool *p)
{
	return percu_pool_age(p);
}

static size_t age_all(struct percu_pool *p)
{
	(void)p;
	return percu_age();
}

/* Law: one cycle takes no idle object, two take all, from wherever they are. */
static void one_and_not_two(void)
{
	static const size_t n[] = { 1, 5, 100, 1000 };
	size_t (*const age[])(struct percu_pool *) = { age_one, age_all };

	for (size_t i = 0; i < 4 * 2 * 2; i++) {
		struct percu_pool *p = pool(both[i & 1]);

		idle(p, n[i / 4]);
		age[i / 2 & 1](p);
		CU_ASSERT_EQUAL(unmade, 0);
		age[i / 2 & 1](p);
		CU_ASSERT_EQUAL(unmade, made);
		CU_ASSERT_EQUAL(stats_of(p).cached, 0);
		CU_ASSERT_EQUAL(stats_of(p).destroyed, made);
		end(p);
	}
}

/* Law: what is used between two cycles is young again, the rest is not. */
static void use_makes_young(void)
{
	for (int i = 0; i < 2; i++) {
		struct percu_pool *p = pool(both[i]);
		uint64_t before;
		void *obj[10];

		idle(p, 300);
		before = made;
		for (int k = 0; k < 6; k++) {
			percu_pool_age(p);
			/* What a victim is got for, it is no victim any more. */
			CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 10), 10);
			percu_pool_put_bulk(p, obj, 10);
		}
		CU_ASSERT_EQUAL(made, before);
		CU_ASSERT(stats_of(p).cached >= 10);
		/* The others went; those in the record with the ten may stay. */
		CU_ASSERT(stats_of(p).cached <= 10 + RECORD_MAX || p->slab.size);
		if (p->foreign)
			CU_ASSERT(unmade >= 300 - 10 - RECORD_MAX);
		end(p);
	}
}

/* Law: shrink takes all that is idle at once, and nothing else. */
static void shrink_takes_all(void)
{
	for (int i = 0; i < 2; i++) {
		struct percu_pool *p = pool(both[i]);
		void *obj[10];

		idle(p, 500);
		percu_pool_shrink(p);
		CU_ASSERT_EQUAL(unmade, made);
		CU_ASSERT_EQUAL(stats_of(p).cached, 0);
		CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 10), 10);
		percu_pool_shrink(p);
		CU_ASSERT_EQUAL(stats_of(p).outstanding, 10);
		percu_pool_put_bulk(p, obj, 10);
		percu_pool_shrink(p);
		CU_ASSERT_EQUAL(unmade, made);
		end(p);
	}
}

/* Objects on every CPU, then cycles from one of them. */
struct spread {
	struct percu_pool *pool;
	pthread_barrier_t all;
};

static void spread_thread(unsigned int i, void *arg)
{
	struct spread *s = arg;
	void *obj[20];

	pin(i);
	for (int k = 0; k < 20; k++)
		obj[k] = percu_pool_get(s->pool);
	pthread_barrier_wait(&s->all);
	for (int k = 0; k < 20; k++)
		percu_pool_put(s->pool, obj[k]);
	/* With mm_cid a thread has its index only as long as it is there. */
	pthread_barrier_wait(&s->all);
	if (i == 0)
		percu_pool_age(s->pool);
	pthread_barrier_wait(&s->all);
	if (i == 0) {
		if (unmade)
			unmade += 1000;
		percu_pool_age(s->pool);
	}
	pthread_barrier_wait(&s->all);
}

static void every_cpu(void)
{
	for (int i = 0; i < 2; i++) {
		struct spread s = { .pool = pool(both[i]) };

		pthread_barrier_init(&s.all, NULL, 4);
		check_threads(4, spread_thread, &s);
		pthread_barrier_destroy(&s.all);
		CU_ASSERT_EQUAL(unmade, made);
		CU_ASSERT_EQUAL(stats_of(s.pool).cached, 0);
		end(s.pool);
	}
}

/* Law: the bytes returned are bytes that the system has back. */
static uint64_t released(void)
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	return ms.heap_released;
}

static void bytes_back(void)
{
	const struct percu_pool_attr attr = { .size = 4096 };
	struct percu_pool *p = pool(&attr);
	uint64_t before;
	size_t bytes;

	/* What others have left idle shall not be counted here. */
	percu_age();
	percu_age();
	idle(p, 1000);
	before = released();
	bytes = percu_pool_age(p);
	CU_ASSERT_EQUAL(released() - before, bytes);
	bytes += percu_pool_age(p);
	CU_ASSERT_EQUAL(released() - before, bytes);
	CU_ASSERT(bytes >= 1000 * 4096);
	CU_ASSERT_EQUAL(percu_pool_age(p), 0);

	idle(p, 1000);
	before = released();
	bytes = percu_pool_shrink(p);
	CU_ASSERT_EQUAL(released() - before, bytes);
	CU_ASSERT(bytes >= 1000 * 4096);

	idle(p, 1000);
	before = released();
	bytes = percu_age();
	bytes += percu_age();
	bytes += percu_age();
	CU_ASSERT_EQUAL(released() - before, bytes);
	CU_ASSERT(bytes >= 1000 * 4096);
	end(p);
}

/* Law: pages without an object go back though the pool has others out. */
static void holes_go_back(void)
{
	const struct percu_pool_attr attr = { .size = 8192 };
	struct percu_pool *p = pool(&attr);
	void *obj[400];

	percu_age();
	percu_age();
	CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 400), 400);
	/* Whatever the order of addresses, long runs of them are put. */
	percu_pool_put_bulk(p, obj + 1, 399);
	CU_ASSERT(percu_pool_shrink(p) >= 300 * 8192);
	percu_pool_put(p, obj[0]);
	end(p);
}

/* Law: percu_age() counts, and ages blocks by size as well. */
static void age_counts(void)
{
	struct percu_memstats before, after;
	void *b[200];

	percu_memstats(&before);
	for (int i = 0; i < 200; i++)
		b[i] = percu_alloc(20000);
	for (int i = 0; i < 200; i++)
		percu_free(b[i]);
	percu_age();
	percu_age();
	percu_age();
	percu_memstats(&after);
	CU_ASSERT_EQUAL(after.ages, before.ages + 3);
	CU_ASSERT_EQUAL(after.cached, 0);
	ASSERT_POOLS_HOLD(0);
}

/* Callbacks. ------------------------------------------------------------------ */

/*
 * Law: callbacks run outside every lock: they allocate, read statistics, use
 * and age another pool, and use their own.
 */
static struct busy {
	struct percu_pool *own, *other;
	int depth;
	unsigned long calls, failed;
} busy;

static void busy_work(void)
{
	struct percu_memstats ms;
	void *a, *b, *c;

	if (busy.depth)
		return;		/* its own pool's callbacks come here again */
	busy.depth++;
	busy.calls++;
	a = percu_alloc(100);
	b = percu_alloc(100000);
	c = busy.other ? percu_pool_get(busy.other) : NULL;
	busy.failed += !a || !b || (busy.other && !c);
	percu_free(a);
	percu_free(b);
	if (c)
		percu_pool_put(busy.other, c);
	if (busy.other && busy.calls % 16 == 0) {
		percu_pool_age(busy.other);
		percu_pool_shrink(busy.other);
	}
	if (busy.own) {
		struct percu_pool_stats st;

		percu_pool_stats(busy.own, &st);
		c = percu_pool_get(busy.own);
		busy.failed += !c;
		percu_pool_put(busy.own, c);
	}
	percu_memstats(&ms);
	busy.depth--;
}

static int busy_ctor(void *obj, void *arg)
{
	busy_work();
	return count_ctor(obj, arg);
}

static void busy_dtor(void *obj, void *arg)
{
	busy_work();
	count_dtor(obj, arg);
}

static void busy_reset(void *obj, void *arg)
{
	(void)obj, (void)arg;
	busy_work();
}

static void *busy_create(void *arg)
{
	busy_work();
	return count_create(arg);
}

static void busy_destroy(void *obj, void *arg)
{
	busy_work();
	count_destroy(obj, arg);
}

static void busy_pool(const struct percu_pool_attr *attr)
{
	const struct percu_pool_attr plain = { .size = 48 };
	struct percu_pool *p, *other = percu_pool_create(&plain);

	memset(&busy, 0, sizeof(busy));
	busy.other = other;
	p = pool(attr);
	busy.own = p;
	for (int i = 0; i < 4; i++) {
		idle(p, 300);
		percu_pool_age(p);
		idle(p, 20);
		percu_pool_age(p);
		percu_pool_shrink(p);
		idle(p, 300);
		percu_age();
		percu_age();
	}
	CU_ASSERT(busy.calls > 0);
	CU_ASSERT_EQUAL(busy.failed, 0);
	busy.own = NULL;	/* no use of a pool that ends */
	busy.calls = 0;
	idle(p, 100);
	ASSERT_POOLS_HOLD(0);
	busy.calls = 0;
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	CU_ASSERT(busy.calls > 0);
	CU_ASSERT_EQUAL(busy.failed, 0);
	CU_ASSERT_EQUAL(made, unmade);
	CU_ASSERT_EQUAL(percu_pool_destroy(other), 0);
	ASSERT_POOLS_HOLD(0);
}

static void callbacks_free(void)
{
	struct percu_pool_attr a = slab, f = foreign;

	a.ctor = busy_ctor;
	a.dtor = busy_dtor;
	busy_pool(&a);
	a.reset = busy_reset;
	a.reserve = 50;
	busy_pool(&a);
	f.create = busy_create;
	f.destroy = busy_destroy;
	busy_pool(&f);
	f.reset = busy_reset;
	f.reserve = 50;
	busy_pool(&f);
}

/* Room. ------------------------------------------------------------------------ */

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
	idle(p, 1);
	first = capacity_here(p);
	swing(p, 20);
	most = capacity_here(p);
	printf("(%u, %u of %u", first, most, p->capacity_max);
	CU_ASSERT(first > 0);
	CU_ASSERT(first < most);
	CU_ASSERT_EQUAL(most, p->capacity_max);
	percu_pool_age(p);	/* this one sees the misses */
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
	end(p);
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

/* Bound. ------------------------------------------------------------------------ */

enum { NR_POOLS = 12, NR_THREADS = 4, OUT = 400 };

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
		struct percu_pool *p =
			list_entry(l, struct percu_pool, pools);

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
	struct check_rand r = { check_seed() + i };
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

	load = (struct load){ .rounds = check_short() ? 10 : 60 };
	load.bound = cpu_info.possible * (uint64_t)conf.cpu_cache +
		     pools.depot_max;
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
	CU_ASSERT(run_again("cpu_cache:128k,depot_cache:64k,mode:lock",
			    "aged"));
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
	{ "idle objects survive one cycle and not two", one_and_not_two },
	{ "what is used between cycles survives", use_makes_young },
	{ "a shrink takes all that is idle", shrink_takes_all },
	{ "cycles reach every CPU", every_cpu },
	{ "the bytes given back are given back", bytes_back },
	{ "pages without an object are given back", holes_go_back },
	{ "cycles of all pools are counted", age_counts },
	{ "callbacks may do what they want", callbacks_free },
	{ "a record grows and shrinks", record_adapts },
	{ "idle pools leave the budget to others", budget_returns },
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
	return check_main("ageing", tests);
}
