/* SPDX-License-Identifier: MIT */
/*
 * tests/test_lock.c - locks, and their order
 *
 * A wrong order ends the program, so it is tried in a forked child.
 */
#include <string.h>

#include "sys/lock.h"
#include "sys/report.h"
#include "tests/check.h"

enum {
	LOCK_THREADS = 4,
	LOCK_TURNS = 10000
};

static struct lock lock; /* all-zero is unlocked */
static unsigned long locked_count;

static void lock_thread(unsigned int i, void *arg)
{
	unsigned long *tries = arg;

	for (int n = 0; n < LOCK_TURNS; n++) {
		if (lock_try(&lock, LOCK_DEPOT))
			tries[i]++;
		else
			lock_take(&lock, LOCK_DEPOT);
		locked_count++;
		lock_give(&lock, LOCK_DEPOT);
	}
}

static void lock_excludes(void)
{
	unsigned long tries[LOCK_THREADS] = { 0 };

	locked_count = 0;
	check_threads(LOCK_THREADS, lock_thread, tries);
	CU_ASSERT_EQUAL(locked_count, LOCK_THREADS * LOCK_TURNS);
	CU_ASSERT(tries[0] > 0);
	CU_ASSERT_TRUE(lock_try(&lock, LOCK_DEPOT));
	CU_ASSERT_NOT_EQUAL(pthread_mutex_trylock(&lock.mutex), 0);
	lock_give(&lock, LOCK_DEPOT);
	lock_init(&lock);
	CU_ASSERT_TRUE(lock_try(&lock, LOCK_DEPOT));
	lock_give(&lock, LOCK_DEPOT);
}

#ifdef PERCU_DEBUG

static void order_later_first(void *arg)
{
	struct lock heap = { 0 }, depot = { 0 };

	(void)arg;
	lock_take(&heap, LOCK_HEAP);
	lock_take(&depot, LOCK_DEPOT);
}

static void order_same_twice(void *arg)
{
	struct lock a = { 0 }, b = { 0 };

	(void)arg;
	lock_take(&a, LOCK_SLAB);
	lock_try(&b, LOCK_SLAB);
}

static void order_not_held(void *arg)
{
	(void)arg;
	lock_take(&lock, LOCK_META);
	lock_give(&lock, LOCK_META);
	lock_order_leave(LOCK_META);
}

static void order_not_paused(void *arg)
{
	(void)arg;
	lock_order_resume();
}

static void lock_order(void)
{
	struct lock all[LOCK_NR_RANKS] = { 0 };

	/* In order, given in any; and by fork, several of one rank. */
	for (int r = 0; r < LOCK_NR_RANKS; r++)
		lock_take(&all[r], (enum lock_rank)r);
	for (int r = 0; r < LOCK_NR_RANKS; r++)
		lock_give(&all[r], (enum lock_rank)r);
	lock_order_pause();
	lock_take(&all[1], LOCK_SLAB);
	lock_take(&all[0], LOCK_SLAB);
	lock_give(&all[1], LOCK_SLAB);
	lock_give(&all[0], LOCK_SLAB);
	lock_order_resume();

	CU_ASSERT_TRUE(check_aborts(
		order_later_first, NULL,
		"percu: misuse: lock order: depot taken while heap is held\n"));
	CU_ASSERT_TRUE(check_aborts(
		order_same_twice, NULL,
		"percu: misuse: lock order: slab taken while slab is held\n"));
	CU_ASSERT_TRUE(check_aborts(
		order_not_held, NULL,
		"percu: misuse: lock order: meta given and not held\n"));
	CU_ASSERT_TRUE(check_aborts(
		order_not_paused, NULL,
		"percu: misuse: lock order: resumed and not paused\n"));
}

#else

static void lock_order(void)
{
	check_skip("asserted in debug builds");
}

#endif

static const CU_TestInfo tests[] = { { "locks exclude", lock_excludes },
				     { "locks have an order", lock_order },
				     CU_TEST_INFO_NULL };

int main(void)
{
	report_init();
	return check_main("lock", tests);
}
