/* SPDX-License-Identifier: MIT */
/*
 * tests/small/test_vec_sched_tree.c - the laws of test_vec_sched, of trees
 *
 * Nodes are small here (PERCU_VEC_SMALL): more than four objects are a tree, of
 * leaves of four.  So every schedule can be tried of
 *
 *	- an append into a leaf that an older version shares, and into a new one
 *	- a block that becomes a tree, a tree that becomes a block
 *	- the copy of a path, leaves that are joined, split, and emptied
 *	- a tail that is cut off without memory, under who has latched it: its
 *	  slots are cleared one by one, then it is gone, and what is appended
 *	  then is nowhere that he looks
 *
 * A reader may also go leaf by leaf, as percu_view_for_each() does.
 */
#include <limits.h>

#include <percu/alloc.h>

#include "sys/tool.h"
#include "tests/check.h"
#include "tests/vec_sched.h"
#include "vec/vec.h"

static unsigned long fired;   /* what a vector was refused */
static unsigned int starving; /* so many requests will be */

/* What percu_alloc() is to vec/ here; see Kbuild. */
void *vec_alloc(size_t size);
void *vec_alloc(size_t size)
{
	if (!starving)
		return percu_alloc(size);
	fired++;
	starving--;
	return NULL;
}

void hunger_begins(void)
{
}

void starve(bool now)
{
	starving = now ? UINT_MAX : 0;
}

void hunger_ends(void)
{
}

static_assert(FLAT_MAX == 4 && LEAF_MAX == 4, "more objects are a tree");

static const enum way ways[] = { VIEW_EACH, VIEW_DOWN, VIEW_UP, GETS_UP,
				 GETS_DOWN };

enum {
	NR_TRIED = sizeof(ways) / sizeof(*ways)
};

/* In place or not, of trees alone: they copy all the same. */
static unsigned int flags_for(size_t len, size_t k)
{
	return len > FLAT_MAX && k & 1 ? PERCU_VEC_INPLACE : 0;
}

/* The tools are slow. */
static bool hasty(void)
{
	return check_short() && tool_any();
}

static void each_way(struct scenario *s, int nr_ways)
{
	if (hasty())
		nr_ways = 1;
	for (int k = 0; k < nr_ways; k++) {
		s->way = ways[k];
		scenario_run(s);
	}
}

static void no_view_missed(void)
{
	CU_ASSERT_EQUAL(sum.missed[VIEW_UP], 0);
	CU_ASSERT_EQUAL(sum.missed[VIEW_DOWN], 0);
	CU_ASSERT_EQUAL(sum.missed[VIEW_EACH], 0);
	CU_ASSERT_EQUAL(sum.changed, 0);
}

static void one_operation(void)
{
	size_t most = hasty() ? LEN + 1 : LEN + 2;

	sum_begin();
	for (size_t len = hasty() ? most : 2; len <= most; len++) {
		for (int what = 0; what < NR_WHATS; what++) {
			for (size_t i = 0; i <= len; i++) {
				struct scenario s = {
					.len = len,
					.room = len,
					.flags = flags_for(len, i),
					.release = len & 1,
					.nr = 1,
					.op = { { (enum what)what, i } },
				};

				each_way(&s, NR_TRIED);
			}
		}
	}
	sum_end();
	no_view_missed();
	CU_ASSERT_EQUAL(sum.cut, 0);
}

/* In each leaf, on both sides of where one ends, and the last slot. */
static const size_t places[] = { 0, 3, 4 };

static void two_at(size_t len, enum what first, size_t i)
{
	static const struct op second[] = {
		{ APPEND, 0 },   { REMOVE, 0 },   { REMOVE_NIL, 3 },
		{ TRUNCATE, 3 }, { INSERT, 1 },   { REPLACE, 0 },
		{ COMPACT, 0 },  { REMOVE_IF, 0 }
	};

	for (size_t k = 0; k < sizeof(second) / sizeof(*second); k++) {
		struct scenario s = { .len = len,
				      .room = len,
				      .flags = flags_for(len, k),
				      .nr = 2,
				      .op = { { first, i }, second[k] } };

		if (s.op[1].what == APPEND)
			s.op[1].i = len_after(&s.op[0], len);
		each_way(&s, sched_brief() ? 3 : NR_TRIED);
	}
}

static void two_operations(void)
{
	if (hasty()) {
		check_skip("under a tool, in short");
		return;
	}
	sum_begin();
	for (size_t len = LEN; len <= LEN + 1; len++)
		for (int what = 0; what < NR_WHATS; what++)
			for (int k = 0; k < 3; k++)
				two_at(len, (enum what)what, places[k]);
	sum_end();
	no_view_missed();
}

/* What is removed without memory leaves holes; the end is cut off. */
static void no_memory(void)
{
	static const enum what whats[] = {
		TRUNCATE, REMOVE, TAKE, REMOVE_SWAP, REMOVE_EXACT, REMOVE_IF
	};
	size_t len = LEN + 1;
	int nr = hasty() ? 1 : sizeof(whats) / sizeof(*whats);

	sum_begin();
	fired = 0;
	for (int k = 0; k < nr; k++) {
		for (int n = 0; n < 3; n++) {
			struct scenario s = {
				.len = len,
				.room = len,
				.starves = true,
				.nr = 2,
				.op = { { whats[k], places[n] } },
			};

			if (sched_brief() && n != (hasty() ? 2 : 1))
				continue;
			s.op[1].i = starved_len(&s.op[0], len);
			each_way(&s, 3);
		}
	}
	printf("(%lu faults, %lu slots of leaves that were cut off) ", fired,
	       sum.cut);
	sum_end();
	CU_ASSERT(fired > 0);
	CU_ASSERT(sum.holes > 0);
	CU_ASSERT(sum.cut > 0);
	no_view_missed();
}

/*
 * A hole is owed, and memory is back in the middle of a truncation: what it
 * keeps are the slots that it was called for.
 */
static void memory_returns(void)
{
	static int object[12];
	struct percu_vec v;

	for (unsigned int n = 1; n < 5; n++) {
		CU_ASSERT_FATAL(!percu_vec_init(&v, NULL));
		for (int i = 0; i < 12; i++)
			CU_ASSERT(!percu_vec_append(&v, &object[i]));
		starving = UINT_MAX;
		CU_ASSERT(!percu_vec_remove(&v, 0));
		starving = n;
		CU_ASSERT(!percu_vec_truncate(&v, 6));
		starving = 0;
		CU_ASSERT(!percu_vec_compact(&v) && !percu_vec_check(&v));
		urcu_bp_read_lock();
		CU_ASSERT_EQUAL(percu_vec_len(&v), 5);
		for (size_t i = 0; i < 5; i++)
			CU_ASSERT_PTR_EQUAL(percu_vec_get(&v, i),
					    &object[i + 1]);
		urcu_bp_read_unlock();
		percu_vec_destroy(&v);
	}
}

static const CU_TestInfo tests[] = {
	{ "one operation, every schedule", one_operation },
	{ "two operations, every schedule", two_operations },
	{ "without memory holes, and the end is cut off", no_memory },
	{ "memory that is back in the middle of a truncation", memory_returns },
	CU_TEST_INFO_NULL
};

int main(void)
{
	sched_init();
	return check_main("vec_sched_tree", tests);
}
