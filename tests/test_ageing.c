/* SPDX-License-Identifier: MIT */
/*
 * tests/test_ageing.c - what becomes of idle objects
 *
 * An idle object survives one ageing cycle and not two, wherever it lies; and
 * what runs meanwhile, callbacks, runs outside every lock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/alloc.h>

#include "pool/pool.h"
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

static const struct percu_pool_attr foreign = { .name = "foreign",
						.create = count_create,
						.destroy = count_destroy };

static const struct percu_pool_attr slab = { .name = "slab",
					     .size = 64,
					     .ctor = count_ctor,
					     .dtor = count_dtor };

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
		CU_ASSERT(stats_of(p).cached <= 10 + RECORD_MAX ||
			  p->slab.size);
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
	idle(p, 200);
	before = released();
	bytes = percu_pool_age(p);
	CU_ASSERT_EQUAL(released() - before, bytes);
	bytes += percu_pool_age(p);
	CU_ASSERT_EQUAL(released() - before, bytes);
	CU_ASSERT(bytes >= 200 * 4096);
	CU_ASSERT_EQUAL(percu_pool_age(p), 0);

	idle(p, 200);
	before = released();
	bytes = percu_pool_shrink(p);
	CU_ASSERT_EQUAL(released() - before, bytes);
	CU_ASSERT(bytes >= 200 * 4096);

	idle(p, 200);
	before = released();
	bytes = percu_age();
	bytes += percu_age();
	bytes += percu_age();
	CU_ASSERT_EQUAL(released() - before, bytes);
	CU_ASSERT(bytes >= 200 * 4096);
	end(p);
}

/*
 * Law: pages without an object go back though the pool has others out.  As many
 * objects as the depots keep: what they do not is in the heap already.
 */
static void holes_go_back(void)
{
	enum {
		NHOLES = 100
	};
	const struct percu_pool_attr attr = { .size = 8192 };
	struct percu_pool *p = pool(&attr);
	void *obj[NHOLES];

	percu_age();
	percu_age();
	CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, NHOLES), NHOLES);
	/* Whatever the order of addresses, long runs of them are put. */
	percu_pool_put_bulk(p, obj + 1, NHOLES - 1);
	CU_ASSERT(percu_pool_shrink(p) >= NHOLES * 3 / 4 * 8192);
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
		return; /* its own pool's callbacks come here again */
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
	busy.own = NULL; /* no use of a pool that ends */
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

static const CU_TestInfo tests[] = {
	{ "idle objects survive one cycle and not two", one_and_not_two },
	{ "what is used between cycles survives", use_makes_young },
	{ "a shrink takes all that is idle", shrink_takes_all },
	{ "cycles reach every CPU", every_cpu },
	{ "the bytes given back are given back", bytes_back },
	{ "pages without an object are given back", holes_go_back },
	{ "cycles of all pools are counted", age_counts },
	{ "callbacks may do what they want", callbacks_free },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("ageing", tests);
}
