/* SPDX-License-Identifier: MIT */
/*
 * tests/test_ripe.c - what has waited for readers and lies in a depot
 *
 * Laws: while more is retired to a pool, what comes back from readers stays in
 * its depot, past the depots' budget, but below the hard mark together with
 * what waits.  When nothing is retired any more it has to fit the budget soon,
 * and the rest goes where it was made.  A callback that runs for that may do
 * what a callback may do, and percu knows that it is one.  A pool may end at
 * any moment of all this.
 */
#include <errno.h>
#include <percu/alloc.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "pool/pool.h"
#include "pool/retire.h"
#include "tests/check.h"
#include "tests/pools.h"
#include "tests/retire.h"

enum {
	MANY = 2000,
	SECONDS = 60, /* that what must come may take on a busy machine */
};

static void patience(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* A state that the reclaimer brings about by itself, with no event to await. */
static bool comes(bool (*state)(void))
{
	struct timespec now;
	time_t until;

	clock_gettime(CLOCK_MONOTONIC, &now);
	until = now.tv_sec + SECONDS;
	while (!state()) {
		patience();
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > until)
			return false;
	}
	return true;
}

static struct percu_pool *pool;

static uint64_t ripe_now(void)
{
	uint64_t n;

	lock_take(&pool->depot.lock, LOCK_DEPOT);
	n = pool->depot.ripe;
	lock_give(&pool->depot.lock, LOCK_DEPOT);
	return n;
}

/* And the reclaimer has put away what it took. */
static bool none_ripe(void)
{
	bool busy;

	lock_take(&pools.list_lock, LOCK_POOLS);
	busy = pool->busy;
	lock_give(&pools.list_lock, LOCK_POOLS);
	return !busy && ripe_now() == 0 && counter_read(&pools.ripe_bytes) == 0;
}

static void retire_all(struct percu_pool *p, void **objs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		percu_pool_put_rcu(p, objs[i]);
	percu_pool_barrier(p);
}

/* Budgets. --------------------------------------------------------------------------- */

static bool all_back(void)
{
	return stats_of(pool).deferred == 0;
}

/*
 * PERCU: depot_cache:8k,defer_soft:64k,defer_hard:1m,defer_age:600000.  A round
 * has begun when the second half is retired, so the next one finds the pool in
 * use; and it is the last one for a long time, for nobody waits for another.
 */
static void child_stays(void)
{
	struct holder h = held_back();
	void *objs[MANY];

	pool = percu_pool_create(
		&(struct percu_pool_attr){ .name = "ripe", .size = 256 });
	holder_begin(&h);
	child_must(percu_pool_get_bulk(pool, objs, MANY) == MANY);
	for (size_t i = 0; i < MANY; i++) {
		percu_pool_put_rcu(pool, objs[i]);
		while (i == MANY / 2 && !round_since())
			patience();
	}
	holder_end(&h);
	child_must(comes(all_back));
	/* 500 KB: over the budget by far, and below the mark. */
	child_must(ripe_now() * 256 > 8192);
	child_must(counter_read(&pools.ripe_bytes) <= graces.hard);
	child_must(pools_hold(0));
	child_must(none_ripe());
	child_must(!percu_pool_destroy(pool));
}

/* PERCU: depot_cache:8k,defer_hard:1m */
static void child_fits(void)
{
	void *objs[MANY];
	size_t got;

	pool = percu_pool_create(
		&(struct percu_pool_attr){ .name = "ripe", .size = 256 });
	for (int round = 0; round < 3; round++) {
		got = percu_pool_get_bulk(pool, objs, MANY);
		child_must(got == MANY);
		retire_all(pool, objs, MANY);
		child_must(counter_read(&pools.ripe_bytes) <= graces.hard);
	}
	child_must(comes(none_ripe));
	child_must(counter_read(&pools.depot_bytes) <= pools.depot_max);
	child_must(pools_hold(0));
	child_must(!percu_pool_destroy(pool));
}

/* PERCU: depot_cache:8k,defer_hard:64k: there is room for a few of them. */
static void child_mark(void)
{
	void *objs[MANY];

	pool = percu_pool_create(
		&(struct percu_pool_attr){ .name = "ripe", .size = 256 });
	for (int round = 0; round < 20; round++) {
		child_must(percu_pool_get_bulk(pool, objs, MANY) == MANY);
		retire_all(pool, objs, MANY);
		child_must(counter_read(&pools.ripe_bytes) <= graces.hard);
	}
	child_must(comes(none_ripe));
	child_must(pools_hold(0));
	child_must(!percu_pool_destroy(pool));
}

/* Callbacks. ------------------------------------------------------------------------- */

static struct percu_pool *other;
static uint64_t destroyed, wrong; /* (a) */

static void *create(void *arg)
{
	(void)arg;
	return malloc(16);
}

/* It may retire, and that must not make the reclaimer wait for itself. */
static void destroy(void *obj, void *arg)
{
	void *more = percu_pool_get(other);

	(void)arg;
	free(obj);
	if (more)
		percu_pool_put_rcu(other, more);
	counter_add(&wrong, !grace_in_callback());
	counter_add(&destroyed, 1);
}

static bool most_destroyed(void)
{
	/* 8 KiB of them fit the budget, at 1 KiB each. */
	return counter_read(&destroyed) >= MANY - 8;
}

/* PERCU: depot_cache:8k,defer_hard:... large enough, or so low that all wait */
static void child_callbacks(void)
{
	void *objs[MANY];

	other = percu_pool_create(
		&(struct percu_pool_attr){ .name = "other", .size = 4096 });
	pool = percu_pool_create(&(struct percu_pool_attr){
		.name = "foreign", .create = create, .destroy = destroy });
	for (int i = 0; i < MANY; i++)
		objs[i] = percu_pool_get(pool);
	retire_all(pool, objs, MANY);
	child_must(comes(most_destroyed));
	child_must(counter_read(&wrong) == 0);
	percu_barrier();
	wrong = 0;
	child_must(!percu_pool_destroy(pool)); /* by this thread */
	child_must(counter_read(&destroyed) == MANY);
	percu_barrier();
	child_must(!percu_pool_destroy(other));
}

/* Ends. --------------------------------------------------------------------------------- */

/* PERCU: depot_cache:8k,defer_age:1 */
static void child_ends(void)
{
	int turns = check_short() ? 200 : 2000;
	struct check_rand rand = { check_seed() };
	void *objs[MANY];

	for (int turn = 0; turn < turns; turn++) {
		struct percu_pool *p = percu_pool_create(&(
			struct percu_pool_attr){ .name = "brief", .size = 64 });

		child_must(p && percu_pool_get_bulk(p, objs, MANY) == MANY);
		retire_all(p, objs, MANY);
		/* Somewhere around the moment at which it is trimmed. */
		nanosleep(&(struct timespec){ .tv_nsec = (long)check_rand_below(
						      &rand, 6000000) },
			  NULL);
		child_must(!percu_pool_destroy(p));
	}
}

static const struct again agains[] = {
	{ "stays", child_stays }, { "fits", child_fits },
	{ "mark", child_mark },   { "callbacks", child_callbacks },
	{ "ends", child_ends },   { NULL, NULL },
};

static void stays(void)
{
	CU_ASSERT_TRUE(run_again(
		"depot_cache:8k,defer_soft:64k,defer_hard:1m,defer_age:600000",
		"stays"));
}

static void fits(void)
{
	CU_ASSERT_TRUE(run_again("depot_cache:8k,defer_hard:1m", "fits"));
}

static void mark(void)
{
	CU_ASSERT_TRUE(run_again("depot_cache:8k,defer_hard:64k", "mark"));
}

static void callbacks(void)
{
	CU_ASSERT_TRUE(run_again("depot_cache:8k,defer_hard:16m", "callbacks"));
	CU_ASSERT_TRUE(run_again("depot_cache:8k,defer_age:5,defer_soft:1,"
				 "defer_hard:4m",
				 "callbacks"));
	/* What the callbacks retire is above the mark at once. */
	CU_ASSERT_TRUE(run_again("depot_cache:8k,defer_age:5,defer_soft:1,"
				 "defer_hard:1",
				 "callbacks"));
}

static void ends(void)
{
	CU_ASSERT_TRUE(run_again("depot_cache:8k,defer_age:1", "ends"));
}

static const CU_TestInfo tests[] = {
	{ "what is ripe stays while more is retired", stays },
	{ "what is ripe fits the budget when it is quiet", fits },
	{ "what is ripe stays below the hard mark", mark },
	{ "callbacks that make room", callbacks },
	{ "pools that end meanwhile", ends },
	CU_TEST_INFO_NULL
};

int main(int argc, char **argv)
{
	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("ripe", tests);
}
