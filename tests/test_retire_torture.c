/* SPDX-License-Identifier: MIT */
/*
 * tests/test_retire_torture.c - grace periods, as rcutorture tries them
 *
 * Updaters replace a published object and retire the old one.  An object has an
 * age: 0 while it is published, 1 when it has been replaced, one more for each
 * grace period after that; at AGES it is put back into its pool.  Readers look
 * at the age of what they have found at the end of their section.
 *
 * Law: no reader finds an age of 2 or more, nor a stamp that is not the one
 * that it found first.  So that this can fail: where grace periods are over at
 * once, in a program of its own, readers must find them.
 */
#include <percu/alloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool/retire.h"
#include "pool/pool.h"
#include "sys/tool.h"
#include "tests/check.h"
#include "tests/pools.h"
#include "tests/readers.h"

enum {
	AGES = 4,
	NR_SLOTS = 4,
	NR_READERS_ = 3,
	NR_UPDATERS = 2,
};

struct object {
	_Atomic unsigned int age;
	_Atomic uint64_t stamp;
};

static struct torture {
	const struct readers *r;
	struct percu_pool *pool, *ages;
	_Atomic(struct object *) slot[NR_SLOTS];
	_Atomic uint64_t stamps;
	_Atomic bool stop;
	_Atomic unsigned long seen[AGES + 2]; /* by age */
	_Atomic unsigned long reused, replaced, put;
} t;

/* Runs in the reclaimer. */
static void grow_older(void *obj, void *arg)
{
	struct object *o = obj;

	(void)arg;
	reader_passed();
	if (atomic_fetch_add_explicit(&o->age, 1, memory_order_relaxed) + 1 <
	    AGES) {
		percu_pool_put_rcu_flavor(t.ages, o, &t.r->flavor);
		return;
	}
	percu_pool_put(t.pool, o);
	t.put++;
}

static void update(struct check_rand *r)
{
	struct object *o = percu_pool_get(t.pool), *old;

	if (!o)
		return;
	atomic_store_explicit(&o->age, 0, memory_order_relaxed);
	atomic_store_explicit(&o->stamp, ++t.stamps, memory_order_relaxed);
	old = atomic_exchange(&t.slot[check_rand_below(r, NR_SLOTS)], o);
	if (!old)
		return;
	atomic_store_explicit(&old->age, 1, memory_order_relaxed);
	t.replaced++;
	percu_pool_put_rcu_flavor(t.ages, old, &t.r->flavor);
}

static void *update_thread(void *arg)
{
	struct check_rand r = { check_seed() + (uintptr_t)arg };

	while (!t.stop) {
		update(&r);
		/* Few are better than many: they come back sooner. */
		if (!check_rand_below(&r, 64))
			usleep(50);
	}
	return NULL;
}

static void read_once(struct check_rand *r)
{
	unsigned int age;
	struct object *o;
	uint64_t stamp;

	reader_lock(t.r);
	o = atomic_load_explicit(&t.slot[check_rand_below(r, NR_SLOTS)],
				 memory_order_acquire);
	if (o) {
		stamp = atomic_load_explicit(&o->stamp, memory_order_relaxed);
		/* Sometimes for long, and sometimes off the CPU. */
		for (uint32_t n = check_rand_below(r, 200); n; n--)
			__asm__ volatile("" ::: "memory");
		if (!check_rand_below(r, 100))
			sched_yield();
		if (!check_rand_below(r, 5000))
			usleep(500);
		age = atomic_load_explicit(&o->age, memory_order_relaxed);
		t.seen[age < AGES ? age : AGES]++;
		t.reused += atomic_load_explicit(&o->stamp,
						 memory_order_relaxed) != stamp;
	}
	reader_unlock(t.r);
}

static void *read_thread(void *arg)
{
	struct check_rand r = { check_seed() ^ (uintptr_t)arg };

	reader_begin(t.r);
	while (!t.stop)
		read_once(&r);
	reader_end(t.r);
	return NULL;
}

static void begin(const struct readers *r)
{
	memset(&t, 0, sizeof(t));
	t.r = r;
	t.pool = percu_pool_create(&(struct percu_pool_attr){
		.name = "tortured", .size = sizeof(struct object) });
	t.ages = release_pool_create("ages", sizeof(struct object), grow_older,
				     NULL);
	if (!t.pool || !t.ages)
		abort();
}

static void clear(void)
{
	for (int i = 0; i < NR_SLOTS; i++)
		percu_pool_put(t.pool, atomic_exchange(&t.slot[i], NULL));
	/* A link of the chain each. */
	for (int i = 0; i < AGES; i++)
		percu_pool_barrier(t.ages);
}

static bool torture(const struct readers *r, unsigned int ms)
{
	pthread_t id[NR_READERS_ + NR_UPDATERS];
	bool ok = true;
	uintptr_t i;

	begin(r);
	for (i = 0; i < NR_READERS_ + NR_UPDATERS; i++)
		if (pthread_create(&id[i], NULL,
				   i < NR_READERS_ ? read_thread :
						     update_thread,
				   (void *)i))
			abort();
	for (; ms; ms--)
		usleep(1000);
	t.stop = true;
	for (i = 0; i < NR_READERS_ + NR_UPDATERS; i++)
		pthread_join(id[i], NULL);
	clear();
	ok &= t.replaced == t.put && t.seen[0] && !t.reused;
	printf("\n    %-5s ages seen", r->name);
	for (i = 0; i <= AGES; i++) {
		printf(" %lu", t.seen[i]);
		ok &= i < 2 || !t.seen[i];
	}
	printf(", reused %lu, replaced %lu, grace periods %llu ", t.reused,
	       t.replaced, (unsigned long long)readers_graces(r));
	fflush(stdout);
	ok &= !percu_pool_destroy(t.ages) && !percu_pool_destroy(t.pool);
	return ok && readers_graces(r);
}

static unsigned int duration(void)
{
	return tool_any() ? 300 : check_short() ? 500 : 1000;
}

static void tortured(void)
{
	check_seed();
	for (int i = 0; i < NR_READERS; i++)
		if (i != READERS_NONE)
			CU_ASSERT_TRUE(torture(&readers[i], duration()));
	ASSERT_POOLS_HOLD(0);
}

static void child_none(void)
{
	/* Until it shows, which on a quiet machine may take some time. */
	for (int i = 0; i < 20; i++)
		if (!torture(&readers[READERS_NONE], 200))
			_exit(3);
}

/* A test that cannot fail proves nothing. */
static void without_grace_periods(void)
{
	char out[4096];
	int status = run_saying("defer_age:1", "none", out, sizeof(out));

	/* A tool that knows what is out may be the first to say so. */
	CU_ASSERT_TRUE(tool_any() ? status : status == 3 << 8);
	if (!tool_any() && status != 3 << 8)
		printf("\n    status %#x, said \"%s\"", (unsigned int)status,
		       out);
}

static const struct again agains[] = {
	{ "none", child_none },
	{ NULL, NULL },
};

static const CU_TestInfo tests[] = {
	{ "no reader finds what has waited", tortured },
	{ "without grace periods readers do", without_grace_periods },
	CU_TEST_INFO_NULL
};

int main(int argc, char **argv)
{
	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("retire_torture", tests);
}
