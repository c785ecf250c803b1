/* SPDX-License-Identifier: MIT */
/*
 * tests/test_slice_share.c - slices of many threads, and after fork
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <percu/buf.h>

#include "tests/bufs.h"

/* Threads. ---------------------------------------------------------------------------- */

enum {
	THREADS = 6,
	SHELVES = 16,
};

struct shelf {
	pthread_mutex_t lock;
	struct percu_slice s;
	size_t off; /* what it shows of the pattern */
};

struct market {
	struct shelf shelf[SHELVES];
	_Atomic unsigned long bad, swaps;
	_Atomic bool done;
	int turns;
	uint64_t seed;
};

static struct percu_slice fresh(struct check_rand *r, size_t *off)
{
	PERCU_BUF_ONSTACK(b, 64);
	size_t len =
		1 + check_rand_below(r, check_rand_below(r, 3) ? 200 : 20000);

	*off = check_rand_below(r, LARGE);
	if (percu_buf_append(&b, patterned + *off, len))
		abort();
	return percu_slice_of(&b, 0, len);
}

/* Takes what is there, leaves another: most slices are put elsewhere. */
static void trade(struct market *m, struct check_rand *r)
{
	struct shelf *sh = &m->shelf[check_rand_below(r, SHELVES)];
	size_t off, part;
	struct percu_slice mine = fresh(r, &off), had, dup, sub, clone;
	size_t had_off;

	pthread_mutex_lock(&sh->lock);
	had = sh->s;
	had_off = sh->off;
	sh->s = mine;
	sh->off = off;
	dup = percu_slice_dup(sh->s);
	pthread_mutex_unlock(&sh->lock);
	part = check_rand_below(r, (uint32_t)dup.len);
	sub = percu_slice_sub(dup, part, dup.len - part);
	clone = percu_slice_clone(had);
	m->bad += !shows(dup, off, dup.len);
	m->bad += !shows(sub, off + part, dup.len - part);
	m->bad += had.len && !shows(had, had_off, had.len);
	percu_slice_put(had);
	m->bad += clone.len && !shows(clone, had_off, clone.len);
	percu_slice_put(dup);
	percu_slice_put(clone);
	percu_slice_put(sub);
	m->swaps++;
}

static void trader(unsigned int i, void *arg)
{
	struct market *m = arg;
	struct check_rand r = { m->seed + i };

	for (int turn = 0; turn < m->turns; turn++)
		trade(m, &r);
}

/* Figures that are read meanwhile are of a size that they can have. */
static void *auditor(void *arg)
{
	struct market *m = arg;

	while (!m->done) {
		struct percu_slice_stats st = retained();

		m->bad += st.slices > 1000000 || st.blocks > 1000000 ||
			  st.shown >> 40 || st.held >> 40;
		sched_yield();
	}
	return NULL;
}

static struct percu_slice *shelved(struct market *m, int i)
{
	return &m->shelf[i].s;
}

static void market_figures(struct market *m)
{
	uint64_t slices = 0, shown = 0;

	for (int i = 0; i < SHELVES; i++) {
		slices += !!shelved(m, i)->block;
		shown += shelved(m, i)->len;
	}
	/* Each of a block of its own: nobody else has one. */
	CU_ASSERT(retains(slices, slices, shown));
	if (!tool_redzone())
		CU_ASSERT_EQUAL(retained().held, memstats().alloc);
}

/* Law: whoever puts what, the bytes hold and the figures are exact. */
static void threads_exchange(void)
{
	static struct market m;
	pthread_t audit;

	memset(&m, 0, sizeof(m));
	m.turns = check_short() ? 500 : 20000;
	m.seed = check_seed();
	for (int i = 0; i < SHELVES; i++)
		pthread_mutex_init(&m.shelf[i].lock, NULL);
	CU_ASSERT_FATAL(!pthread_create(&audit, NULL, auditor, &m));
	check_threads(THREADS, trader, &m);
	m.done = true;
	pthread_join(audit, NULL);
	CU_ASSERT_EQUAL(m.bad, 0);
	CU_ASSERT_EQUAL(m.swaps, (unsigned long)(THREADS * m.turns));
	market_figures(&m);
	for (int i = 0; i < SHELVES; i++)
		percu_slice_put(*shelved(&m, i));
	CU_ASSERT(retains(0, 0, 0));
	CU_ASSERT_EQUAL(memstats().alloc, 0);
	CU_ASSERT(all_conserve());
}

struct last {
	struct percu_slice s[THREADS];
	int turns;
	_Atomic unsigned long bad;
};

static void last_put(unsigned int i, void *arg)
{
	struct last *l = arg;

	for (int turn = 0; turn < l->turns; turn++) {
		struct percu_slice dup = percu_slice_dup(l->s[i]);

		l->bad += !shows(dup, 0, dup.len);
		percu_slice_put(l->s[i]);
		l->s[i] = dup;
	}
	percu_slice_put(l->s[i]);
}

/* Law: of threads that all put at once exactly one frees. */
static void threads_race_to_be_last(void)
{
	static struct last l;

	for (int round = 0; round < (check_short() ? 20 : 300); round++) {
		l.turns = round % 2 ? 0 : 50;
		l.s[0] = slice(500);
		for (int i = 1; i < THREADS; i++)
			l.s[i] = percu_slice_dup(l.s[0]);
		CU_ASSERT(retains(THREADS, 1, THREADS * 500));
		check_threads(THREADS, last_put, &l);
		CU_ASSERT(retains(0, 0, 0));
		CU_ASSERT_EQUAL(memstats().alloc, 0);
	}
	CU_ASSERT_EQUAL(l.bad, 0);
}

/* Fork. --------------------------------------------------------------------------------- */

static void forked(void *arg)
{
	struct percu_slice s = *(struct percu_slice *)arg;
	struct percu_slice sub = percu_slice_sub(s, 100, 200);

	child_must(shows(sub, 100, 200));
	percu_slice_put(s);
	child_must(retains(1, 1, 200));
	percu_slice_put(sub);
	child_must(retains(0, 0, 0));
	child_must(all_conserve() && !memstats().alloc);
}

static void after_fork(void)
{
	struct percu_slice s = slice(1000);

	CU_ASSERT_TRUE(child_ok(forked, &s));
	CU_ASSERT(shows(s, 0, 1000) && retains(1, 1, 1000));
	percu_slice_put(s);
}

static const CU_TestInfo tests[] = {
	{ "threads exchange slices", threads_exchange },
	{ "threads race to be last", threads_race_to_be_last },
	{ "after fork", after_fork },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return bufs_main("slice_share", tests);
}
