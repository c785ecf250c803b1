/* SPDX-License-Identifier: MIT */
/*
 * tests/faults.h - an operation on a system that refuses, call by call
 *
 *	faults_sweep("append", append_op);
 *
 * runs the operation in a child of its own.  What percu had cached is given
 * back before, and what the page heap has is taken, or a hit would hide the
 * failure.  Then
 *
 *	the first call to the system fails, the second, until the operation
 *	makes no further one; each time once, and each time for good;
 *
 *	every call fails, and the heap has one page left, two, until that is
 *	enough.  So each allocation is once the first that is refused.
 *
 * Law, each time: what the operation itself asserts with child_must(); all
 * that it had is back, everything is in one place, and a try without faults
 * succeeds afterwards.
 */
#ifndef PERCU_TESTS_FAULTS_H
#define PERCU_TESTS_FAULTS_H

#include <errno.h>

#include "tests/conserve.h"

struct faults {
	unsigned long nth, pages;     /* the call that fails; pages left */
	unsigned long fired, refused; /* this try's */
	unsigned long noted;          /* the operations' own, in all */
	bool forever, armed, done;
};

static struct faults *faults; /* in memory that the children share */

static inline void faults_disarm(void)
{
	os_fault_disarm();
	if (faults->armed)
		faults->fired += os_fault_fired();
	faults->armed = false;
}

/* An answer for want of memory is one, if there was a fault. */
static inline bool faults_refused(bool refused, int err)
{
	if (!refused)
		return false;
	child_must(err == ENOMEM);
	child_must(faults->armed && os_fault_fired());
	faults->refused++;
	return true;
}

static inline void faults_arm(unsigned long nth, bool forever)
{
	os_fault_arm((1 << OS_NR_CALLS) - 1, nth, forever);
}

enum {
	FAULTS_SPANS = 4096
};

/* All pages that the heap has, but for a run of so many.  How many spans. */
static inline size_t faults_eat(struct span **eaten, size_t left)
{
	struct span *hole;
	size_t n = 0;

	hole = left ? heap_alloc(left, 1, SPAN_LARGE, 0, NULL) : NULL;
	child_must(hole || !left);
	faults_arm(1, true);
	for (size_t pages = 8192; pages; pages /= 2)
		while (n < FAULTS_SPANS &&
		       (eaten[n] = heap_alloc(pages, 1, SPAN_LARGE, 0, NULL)))
			n++;
	child_must(n < FAULTS_SPANS);
	os_fault_disarm();
	if (hole)
		heap_free(hole, heap_cycle());
	return n;
}

static inline void faults_child(void *arg)
{
	static struct span *eaten[FAULTS_SPANS];
	void (*const *op)(void) = arg;
	uint64_t alloc;
	size_t n;

	for (int i = 0; i < 4; i++)
		percu_age();
	alloc = memstats().alloc;
	n = faults_eat(eaten, faults->pages);
	faults->armed = true;
	faults_arm(faults->nth, faults->forever);
	(*op)();
	faults_disarm();
	while (n)
		heap_free(eaten[--n], heap_cycle());
	child_must(memstats().alloc == alloc && all_conserve());
	(*op)();
	child_must(memstats().alloc == alloc && all_conserve());
	faults->done = true;
}

static inline void faults_try(const char *what, void (*op)(void))
{
	faults->fired = faults->refused = 0;
	faults->done = false;
	if (!child_ok(faults_child, &op)) {
		printf("\n    %s, call %lu, %lu pages\n", what, faults->nth,
		       faults->pages);
		CU_FAIL_FATAL("the child has failed");
	}
	CU_ASSERT_TRUE_FATAL(faults->done);
}

/* The n-th call fails, for every n that there is.  How many. */
static inline unsigned long faults_calls(const char *what, void (*op)(void),
					 bool forever)
{
	unsigned long points = 0;

	faults->forever = forever;
	faults->pages = 0;
	for (faults->nth = 1;; faults->nth = check_next(faults->nth)) {
		faults_try(what, op);
		if (!faults->fired)
			return points;
		points++;
	}
}

/* Every call fails, with ever more pages.  How many refusals in all. */
static inline unsigned long faults_pages(const char *what, void (*op)(void))
{
	unsigned long refused = 0;

	faults->forever = true;
	faults->nth = 1;
	for (faults->pages = 0;; faults->pages = check_next(faults->pages)) {
		faults_try(what, op);
		if (!faults->refused)
			return refused;
		refused += faults->refused;
	}
}

static inline void faults_sweep(const char *what, void (*op)(void))
{
	unsigned long once, good, refused;

	if (!faults)
		faults = shared(sizeof(*faults));
	once = faults_calls(what, op, false);
	good = faults_calls(what, op, true);
	refused = faults_pages(what, op);
	printf("\n    %s: %lu calls failed once, %lu for good; with up to %lu pages, %lu refusals ",
	       what, once, good, faults->pages, refused);
	CU_ASSERT_TRUE(once > 0 && good > 0);
	CU_ASSERT_TRUE(refused > 0);
}

#endif /* PERCU_TESTS_FAULTS_H */
