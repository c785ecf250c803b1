/* SPDX-License-Identifier: MIT */
/*
 * tests/test_share.c - what sync.Pool promises, and how objects travel
 *
 * The laws of Go's pool_test.go, for objects that are never forgotten; then
 * hand-over between threads; then how often a magazine has to travel.
 * test_inline.c is this program again, with get and put inlined.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/stats.h>

#include "pool/pool.h"
#include "tests/check.h"
#include "tests/pools.h"

static uint64_t seed; /* of all threads; set before there are any */

#ifndef SUITE
#define SUITE "share"
#endif

/* Foreign objects that say whose turn it is. ------------------------------ */

struct thing {
	uint64_t id;
	uint32_t owner; /* (a) 0: nobody, else thread + 1 */
	uint32_t canary;
};

enum {
	CANARY = 0x74686e67
};

/* (a) */
static uint64_t created, destroyed;
static unsigned long wrong;

static void *thing_create(void *arg)
{
	struct thing *t = malloc(sizeof(*t));

	(void)arg;
	if (t)
		*t = (struct thing){
			.id = __atomic_add_fetch(&created, 1, __ATOMIC_RELAXED),
			.canary = CANARY,
		};
	return t;
}

static void thing_destroy(void *obj, void *arg)
{
	struct thing *t = obj;

	(void)arg;
	if (t->canary != CANARY || t->owner)
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	t->canary = 0;
	__atomic_fetch_add(&destroyed, 1, __ATOMIC_RELAXED);
	free(t);
}

static int thing_ctor(void *obj, void *arg)
{
	(void)arg;
	*(struct thing *)obj = (struct thing){
		.id = __atomic_add_fetch(&created, 1, __ATOMIC_RELAXED),
		.canary = CANARY,
	};
	return 0;
}

static void thing_dtor(void *obj, void *arg)
{
	struct thing *t = obj;

	(void)arg;
	if (t->canary != CANARY || t->owner)
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	t->canary = 0;
	__atomic_fetch_add(&destroyed, 1, __ATOMIC_RELAXED);
}

static const struct percu_pool_attr foreign = {
	.name = "foreign",
	.create = thing_create,
	.destroy = thing_destroy,
};

static const struct percu_pool_attr slab = {
	.name = "slab",
	.size = sizeof(struct thing),
	.ctor = thing_ctor,
	.dtor = thing_dtor,
};

static struct percu_pool *pool(const struct percu_pool_attr *attr)
{
	struct percu_pool *p;

	created = destroyed = 0;
	wrong = 0;
	p = percu_pool_create(attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

/* Every object that was made was unmade, and nothing was wrong. */
static void end(struct percu_pool *p)
{
	ASSERT_POOLS_HOLD(0);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	CU_ASSERT_EQUAL(created, destroyed);
	CU_ASSERT_EQUAL(wrong, 0);
}

/* Go's. --------------------------------------------------------------------- */

/* TestPoolNew: create runs only when the pool is empty, and makes one. */
static void new_if_empty(void)
{
	struct percu_pool *p = pool(&foreign);
	struct thing *a, *b;

	pin(0);
	a = percu_pool_get(p);
	CU_ASSERT_EQUAL(created, 1);
	b = percu_pool_get(p);
	CU_ASSERT_EQUAL(created, 2);
	CU_ASSERT(a && b && a->id == 1 && b->id == 2);
	percu_pool_put(p, b);
	b = percu_pool_get(p);
	CU_ASSERT(b && b->id == 2);
	CU_ASSERT_EQUAL(created, 2);
	percu_pool_put(p, percu_pool_get(p));
	CU_ASSERT_EQUAL(created, 3);
	CU_ASSERT_EQUAL(stats_of(p).misses, 3);
	percu_pool_put(p, a);
	percu_pool_put(p, b);
	unpin();
	end(p);
}

/* TestPool: on one CPU what was put last comes first, as deep as a record. */
static void last_in_first_out(void)
{
	const struct percu_pool_attr *attr[] = { &slab, &foreign };

	for (int i = 0; i < 2; i++) {
		struct percu_pool *p = pool(attr[i]);
		void *obj[24];
		int n;

		pin(0);
		CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 24), 24);
		for (n = 0; n < 24; n++)
			percu_pool_put(p, obj[n]);
		while (n-- > 12)
			CU_ASSERT_PTR_EQUAL(percu_pool_get(p), obj[n]);
		for (n = 12; n < 24; n++)
			percu_pool_put(p, obj[n]);
		while (n-- > 12)
			CU_ASSERT_PTR_EQUAL(percu_pool_get(p), obj[n]);
		percu_pool_put_bulk(p, obj + 12, 12);
		unpin();
		end(p);
	}
}

/* TestPoolGC: nothing that was handed out is touched by whatever ageing. */
static void out_is_out(void)
{
	const struct percu_pool_attr *attr[] = { &slab, &foreign };

	for (int i = 0; i < 2; i++) {
		struct percu_pool *p = pool(attr[i]);
		struct thing *t[100];
		unsigned long bad = 0;

		for (int k = 0; k < 100; k++)
			t[k] = percu_pool_get(p);
		for (int k = 0; k < 100; k++)
			percu_pool_put(p, t[k]);
		for (uint32_t k = 0; k < 100; k++) {
			t[k] = percu_pool_get(p);
			t[k]->owner = k + 1;
		}
		for (int k = 0; k < 4; k++) {
			percu_age();
			percu_pool_age(p);
			percu_pool_shrink(p);
		}
		CU_ASSERT_EQUAL(percu_pool_destroy(p), -EBUSY);
		for (uint32_t k = 0; k < 100; k++)
			bad += t[k]->owner != k + 1 || t[k]->canary != CANARY;
		CU_ASSERT_EQUAL(bad, 0);
		CU_ASSERT_EQUAL(stats_of(p).outstanding, 100);
		for (int k = 0; k < 100; k++) {
			t[k]->owner = 0;
			percu_pool_put(p, t[k]);
		}
		end(p);
	}
}

/* TestPoolStress: what comes from the pool is as it was put. */
struct stress {
	struct percu_pool *pool;
	int rounds;
	unsigned long wrong;
};

static void stress_thread(unsigned int i, void *arg)
{
	struct stress *s = arg;
	unsigned long bad = 0;

	for (int k = 0; k < s->rounds; k++) {
		struct thing *t = percu_pool_get(s->pool);

		bad += t->owner != 0 || t->canary != CANARY;
		t->owner = i + 1;
		/* Here another's store would show. */
		__asm__ volatile("" ::: "memory");
		bad += t->owner != i + 1;
		t->owner = 0;
		percu_pool_put(s->pool, t);
	}
	__atomic_fetch_add(&s->wrong, bad, __ATOMIC_RELAXED);
}

static void stress(void)
{
	const struct percu_pool_attr *attr[] = { &slab, &foreign };

	for (int i = 0; i < 2; i++) {
		struct stress s = {
			.pool = pool(attr[i]),
			.rounds = check_short() ? 10000 : 1000000,
		};
		struct percu_pool_stats st;

		check_threads(10, stress_thread, &s);
		CU_ASSERT_EQUAL(s.wrong, 0);
		st = stats_of(s.pool);
		CU_ASSERT_EQUAL(st.gets, 10ull * (uint64_t)s.rounds);
		CU_ASSERT_EQUAL(st.puts, st.gets);
		printf("(%llu misses, %llu made) ",
		       (unsigned long long)st.misses,
		       (unsigned long long)st.created);
		end(s.pool);
	}
}

/* Hand-over. ---------------------------------------------------------------- */

enum {
	NR_THREADS = 8,
	HELD = 40,
	DESKS = 64
};

/*
 * Laws: an object has at most one owner at any time; what its owner wrote
 * before it handed it over or put it, the next one reads.
 */
static struct office {
	struct percu_pool *pool;
	int rounds;
	struct thing *desk[DESKS]; /* (a) whoever exchanges it has it */
	uint64_t handed;
} office;

static void own(struct thing *t, uint32_t from, uint32_t to)
{
	uint32_t was = from;

	if (t->canary != CANARY ||
	    !__atomic_compare_exchange_n(&t->owner, &was, to, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

enum {
	ON_DESK = 1000
};

/* Leaves t (or nothing) on a desk and takes what lies there. */
static struct thing *desk_exchange(struct check_rand *r, struct thing *t,
				   uint32_t me)
{
	uint32_t d = check_rand_below(r, DESKS);

	if (t) {
		own(t, me, ON_DESK);
		__atomic_fetch_add(&office.handed, 1, __ATOMIC_RELAXED);
	}
	t = __atomic_exchange_n(&office.desk[d], t, __ATOMIC_ACQ_REL);
	if (t)
		own(t, ON_DESK, me);
	return t;
}

static void office_put(void **held, size_t n, uint32_t me)
{
	for (size_t i = 0; i < n; i++)
		own(held[i], me, 0);
	if (n == 1)
		percu_pool_put(office.pool, held[0]);
	else
		percu_pool_put_bulk(office.pool, held, n);
}

static size_t office_get(void **held, size_t n, uint32_t me)
{
	if (n == 1)
		n = (held[0] = percu_pool_get(office.pool)) != NULL;
	else
		n = percu_pool_get_bulk(office.pool, held, n);
	for (size_t i = 0; i < n; i++)
		own(held[i], 0, me);
	return n;
}

static void office_thread(unsigned int i, void *arg)
{
	struct check_rand r = { seed + i };
	uint32_t me = i + 1, k;
	void *held[HELD];
	size_t n = 0;

	(void)arg;
	for (int round = 0; round < office.rounds; round++) {
		uint32_t what = check_rand_below(&r, 100);

		k = what % 10 ? 1 : 1 + check_rand_below(&r, 20);
		if (what < 45 && n + k <= HELD) {
			n += office_get(held + n, k, me);
		} else if (what < 85 && n >= k) {
			n -= k;
			office_put(held + n, k, me);
		} else if (n) {
			held[n - 1] = desk_exchange(&r, held[n - 1], me);
			n -= !held[n - 1];
		}
		if (i == 0 && round % 5000 == 0)
			percu_pool_age(office.pool);
		if (i == 1 && round % 9000 == 0)
			percu_age();
	}
	office_put(held, n, me);
}

static void hand_over(void)
{
	const struct percu_pool_attr *attr[] = { &slab, &foreign };
	struct percu_pool_stats st;

	for (int i = 0; i < 2; i++) {
		memset(&office, 0, sizeof(office));
		office.pool = pool(attr[i]);
		office.rounds = check_short() ? 4000 : 200000;
		seed = check_seed();
		check_threads(NR_THREADS, office_thread, NULL);
		for (int d = 0; d < DESKS; d++) {
			if (!office.desk[d])
				continue;
			own(office.desk[d], ON_DESK, 0);
			percu_pool_put(office.pool, office.desk[d]);
		}
		st = stats_of(office.pool);
		printf("(%llu gets, %llu handed over, %llu made) ",
		       (unsigned long long)st.gets,
		       (unsigned long long)office.handed,
		       (unsigned long long)st.created);
		CU_ASSERT_EQUAL(st.gets, st.puts);
		CU_ASSERT(office.handed > 0);
		end(office.pool);
	}
}

/*
 * TestPoolDequeue: each object once.  One thread gets, every object goes
 * through a ring, another puts; each is seen as often as it was got.
 */
enum {
	RING = 256
};

static struct ring {
	struct percu_pool *pool;
	uint64_t rounds;
	void *slot[RING];
	uint64_t head __attribute__((aligned(128))); /* (a) by the sender */
	uint64_t tail __attribute__((aligned(128))); /* (a) by the receiver */
	uint64_t sum_in, sum_out;
} ring;

static void ring_send(void)
{
	for (uint64_t i = 0; i < ring.rounds; i++) {
		struct thing *t = percu_pool_get(ring.pool);

		own(t, 0, 1);
		ring.sum_in += t->id;
		while (i - __atomic_load_n(&ring.tail, __ATOMIC_ACQUIRE) >=
		       RING)
			sched_yield();
		ring.slot[i % RING] = t;
		__atomic_store_n(&ring.head, i + 1, __ATOMIC_RELEASE);
	}
}

static void ring_receive(void)
{
	for (uint64_t i = 0; i < ring.rounds; i++) {
		struct thing *t;

		while (__atomic_load_n(&ring.head, __ATOMIC_ACQUIRE) == i)
			sched_yield();
		t = ring.slot[i % RING];
		__atomic_store_n(&ring.tail, i + 1, __ATOMIC_RELEASE);
		ring.sum_out += t->id;
		own(t, 1, 0);
		percu_pool_put(ring.pool, t);
	}
}

static void ring_thread(unsigned int i, void *arg)
{
	(void)arg;
	pin(i);
	if (i)
		ring_receive();
	else
		ring_send();
}

/*
 * Law: between a thread that only gets and one that only puts, objects travel
 * by the magazine: a visit of the depot for many of them on either side.
 */
static void producer_consumer(void)
{
	uint64_t visits, magazines;

	memset(&ring, 0, sizeof(ring));
	ring.pool = pool(&slab);
	ring.rounds = check_short() ? 20000 : 1000000;
	check_threads(2, ring_thread, NULL);
	CU_ASSERT_EQUAL(ring.sum_in, ring.sum_out);
	visits = visits_of(ring.pool);
	magazines = ring.rounds / ring.pool->magazine;
	printf("(%llu visits for %llu magazines, %llu made) ",
	       (unsigned long long)visits, (unsigned long long)magazines,
	       (unsigned long long)created);
	/* Two sides, half a magazine at a time; and a start, while they grow. */
	CU_ASSERT(visits <= 5 * magazines + 50);
	/* No more objects than the way holds: ring, records, magazines. */
	CU_ASSERT(created <= RING + 2 * RECORD_MAX + 8 * MAGAZINE_MAX);
	end(ring.pool);
}

/* No thrashing. --------------------------------------------------------------- */

/* Visits and misses of many turns with n objects out. */
static bool turns_are_hits(struct percu_pool *p, void **held, size_t n,
			   bool get_first)
{
	uint64_t misses = stats_of(p).misses, visits = visits_of(p);
	int turns = check_short() ? 50 : 500;

	for (int i = 0; i < turns; i++) {
		if (get_first) {
			held[n] = percu_pool_get(p);
			percu_pool_put(p, held[n]);
		} else {
			percu_pool_put(p, held[n - 1]);
			held[n - 1] = percu_pool_get(p);
		}
	}
	misses = stats_of(p).misses - misses;
	visits = visits_of(p) - visits;
	if (misses <= 2 && visits <= 4)
		return true;
	printf("\n    %s, %zu out: %llu misses, %llu visits in %d turns\n",
	       p->name, n, (unsigned long long)misses,
	       (unsigned long long)visits, turns);
	return false;
}

/*
 * Law: wherever the border of a record is, a thread that goes to and fro over
 * it does not go to the depot each time: at each fill level, in both orders,
 * on the way up and on the way down.
 */
static void no_thrashing(void)
{
	static const size_t size[] = { 64, 1000, 4096, 16384, 256 << 10 };
	size_t levels = check_short() ? 150 : 300;
	void *held[302];

	pin(0);
	for (size_t i = 0; i < sizeof(size) / sizeof(*size); i++) {
		const struct percu_pool_attr attr = { .name = "thrash",
						      .size = size[i] };
		size_t max = size[i] > 4096 ? 20 : levels, n;
		struct percu_pool *p = pool(&attr);
		unsigned int bad = 0;

		for (n = 0; n < max; n++) {
			bad += !turns_are_hits(p, held, n, true);
			held[n] = percu_pool_get(p);
			bad += !turns_are_hits(p, held, n + 1, false);
		}
		while (n) {
			bad += !turns_are_hits(p, held, n, false);
			percu_pool_put(p, held[--n]);
			bad += !turns_are_hits(p, held, n, true);
		}
		CU_ASSERT_EQUAL(bad, 0);
		end(p);
	}
	unpin();
}

/*
 * BenchmarkPoolOverflow: so many puts, so many gets: by the magazine too; and
 * no magazine is lost on the way.
 */
static void overflow(void)
{
	const uint64_t rounds = check_short() ? 50 : 500;
	struct percu_pool *p = pool(&slab);
	struct percu_memstats half, ms;
	uint64_t visits, magazines;
	void *held[600];

	pin(0);
	for (uint64_t i = 0; i < rounds; i++) {
		if (i == rounds / 2)
			percu_memstats(&half);
		for (int k = 0; k < 600; k++)
			held[k] = percu_pool_get(p);
		for (int k = 0; k < 600; k++)
			percu_pool_put(p, held[k]);
	}
	visits = visits_of(p);
	magazines = rounds * 1200 / p->magazine;
	printf("(%llu visits for %llu magazines) ", (unsigned long long)visits,
	       (unsigned long long)magazines);
	CU_ASSERT(visits <= 2 * magazines + 50);
	percu_memstats(&ms);
	CU_ASSERT_EQUAL(ms.meta_sys, half.meta_sys);
	unpin();
	end(p);
}

static const CU_TestInfo tests[] = {
	{ "an empty pool makes one new object", new_if_empty },
	{ "what was put last comes first", last_in_first_out },
	{ "what is out is left alone", out_is_out },
	{ "ten threads see no other's object", stress },
	{ "an object has one owner at a time", hand_over },
	{ "from a getter to a putter by the magazine", producer_consumer },
	{ "no border makes every turn a miss", no_thrashing },
	{ "an overflow goes by the magazine", overflow },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main(SUITE, tests);
}
