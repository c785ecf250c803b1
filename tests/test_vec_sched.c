/* SPDX-License-Identifier: MIT */
/*
 * tests/test_vec_sched.c - every order of one writer's stores and one reader's loads
 *
 * Writer and reader are one thread.  Before each store that readers can see
 * the vector calls vec_step(); there, and before and after each operation, the
 * reader takes none, one or more steps, and all the ways to do that are tried.
 * A reader's step is to latch, to get one slot, or to leave its section.
 *
 * Each cell of the table in Documentation/vectors.md is a law here:
 *
 *	fresh	who starts to read between two stores sees the vector as it was
 *		before the operation or as it is after it, and never first the
 *		new, then the old
 *	view	a snapshot; or what the operations in place may change of it
 *	length	a view's stays as it was latched
 *	miss	who goes down never misses what stays; who goes up may
 *	free	nothing is released that the reader has seen and may look at
 *
 * So that the laws can fail, it is counted how often a reader that goes up
 * missed something, or saw it twice: that must happen.
 *
 *	scenario  a vector of a few objects, one or two operations, a reader
 *	point	  where the reader may take steps
 *	schedule  how many it takes at each
 *
 * The flavor is made for this: a grace period of the thread itself lets the
 * reader end, one of another thread waits for it.
 */
#include <stdio.h>
#include <string.h>

#include <percu/vec.h>

#include "sys/tool.h"
#include "tests/check.h"
#include "tests/hoard.h"
#include "tests/pools.h"
#include "tests/vec_sched.h"
#include "vec/vec.h"

static unsigned long fired; /* faults, while there was no memory */

/* All that there is is taken, and the system has no more. */
void hunger_begins(void)
{
	hoard_all();
}

void starve(bool now)
{
	if (now) {
		os_fault_arm(MEMORY, 1, true);
		return;
	}
	os_fault_disarm();
	fired += os_fault_fired();
}

void hunger_ends(void)
{
	give_all_back();
}

/* Every operation after the first ones, at every index. */
static void scenarios_run(struct scenario *s, size_t ops)
{
	if (s->nr == ops) {
		scenario_run(s);
		return;
	}
	s->nr++;
	for (int what = 0; what < NR_WHATS; what++) {
		for (size_t i = 0; i <= LEN; i++) {
			s->op[s->nr - 1] = (struct op){ (enum what)what, i };
			scenarios_run(s, ops);
		}
	}
	s->nr--;
}

/* Both flags, with room for what is appended and without, each reader. */
static void kinds_run(size_t len, size_t ops, bool release)
{
	for (unsigned int k = 0; k < 4 * WAYS_OF_FLAT; k++) {
		struct scenario s = {
			.len = len,
			.room = len + (k & 1 ? 0 : 2),
			.flags = k & 2 ? PERCU_VEC_INPLACE : 0,
			.release = release,
			.way = (enum way)(k / 4),
		};

		scenarios_run(&s, ops);
	}
}

static void one_operation(void)
{
	size_t most = check_short() && tool_any() ? 2 : LEN;

	sum_begin();
	for (size_t len = 1; len <= most; len++) {
		kinds_run(len, 1, false);
		kinds_run(len, 1, true);
	}
	sum_end();
	/* So they can be missed, where nothing says that they cannot. */
	CU_ASSERT(sum.missed[VIEW_UP] > 0);
	CU_ASSERT(sum.missed[GETS_UP] > 0);
	CU_ASSERT(sum.twice[VIEW_DOWN] > 0);
	CU_ASSERT_EQUAL(sum.missed[VIEW_DOWN], 0);
}

static void two_operations(void)
{
	size_t most = sched_brief() ? 2 : 3;

	if (check_short() && tool_any()) {
		check_skip("under a tool, in short");
		return;
	}
	sum_begin();
	for (size_t len = 2; len <= most; len++)
		kinds_run(len, 2, false);
	kinds_run(2, 2, true);
	sum_end();
	CU_ASSERT(sum.missed[VIEW_UP] > 0);
	CU_ASSERT(sum.twice[VIEW_DOWN] > 0);
	CU_ASSERT_EQUAL(sum.missed[VIEW_DOWN], 0);
}

/* What an operation alone makes possible for who reads that way. */
static void alone(enum what what, unsigned int flags, enum way way)
{
	memset(&sum, 0, sizeof(sum));
	for (size_t i = 0; i < LEN; i++) {
		struct scenario s = { .len = LEN,
				      .room = LEN,
				      .flags = flags,
				      .nr = 1,
				      .op = { { what, i } },
				      .way = way };

		scenario_run(&s);
	}
	CU_ASSERT_EQUAL(sum.broken, 0);
	CU_ASSERT(sum.schedules > 0);
}

/*
 * The table: what a view may miss, see twice, find empty or changed.  "Never" is a
 * law of every scenario; that the rest does happen is said here.
 */
static void the_table(void)
{
	enum {
		no = false,
		yes = true,
		in = PERCU_VEC_INPLACE
	};
	static const struct {
		enum what what;
		unsigned int flags;
		enum way way;
		bool missed, twice, holes, changed;
	} cell[] = {
		{ REMOVE, 0, VIEW_UP, no, no, no, no },
		{ REMOVE, 0, VIEW_DOWN, no, no, no, no },
		{ REMOVE, in, VIEW_UP, no, no, no, no },
		{ REMOVE_EXACT, 0, VIEW_UP, no, no, no, no },
		{ REMOVE_EXACT, 0, VIEW_DOWN, no, no, no, no },
		{ TAKE, 0, VIEW_UP, no, no, no, no },
		{ REMOVE_NIL, 0, VIEW_UP, no, no, yes, no },
		{ REMOVE_NIL, 0, VIEW_DOWN, no, no, yes, no },
		{ REMOVE_SWAP, 0, VIEW_UP, no, no, no, no },
		{ REMOVE_SWAP, 0, VIEW_DOWN, no, no, no, no },
		{ REMOVE_SWAP, in, VIEW_UP, yes, yes, yes, yes },
		{ REMOVE_SWAP, in, VIEW_DOWN, no, yes, yes, yes },
		{ REPLACE, 0, VIEW_UP, no, no, no, no },
		{ REPLACE, 0, VIEW_DOWN, no, no, no, no },
		{ REPLACE, in, VIEW_UP, no, no, no, yes },
		{ REPLACE, in, VIEW_DOWN, no, no, no, yes },
		{ REMOVE, 0, GETS_UP, yes, no, yes, yes },
		{ REMOVE, 0, GETS_DOWN, no, yes, yes, yes },
	};

	for (size_t k = 0; k < sizeof(cell) / sizeof(cell[0]); k++) {
		enum way way = cell[k].way;

		alone(cell[k].what, cell[k].flags, way);
		CU_ASSERT_EQUAL(sum.missed[way] > 0, cell[k].missed);
		CU_ASSERT_EQUAL(sum.twice[way] > 0, cell[k].twice);
		if (way >= GETS_UP)
			continue;
		CU_ASSERT_EQUAL(sum.holes > 0, cell[k].holes);
		CU_ASSERT_EQUAL(sum.changed > 0, cell[k].changed);
	}
	stages_end();
}

/*
 * Phantoms: a reader with a longer view must not see in its last slot what
 * was appended after that slot had been given up, whatever room there is.
 */
static void no_phantom(void)
{
	static const enum what shorter[] = { REMOVE, REMOVE_SWAP, TAKE,
					     REMOVE_EXACT, TRUNCATE };

	sum_begin();
	for (size_t k = 0; k < sizeof(shorter) / sizeof(*shorter); k++) {
		for (unsigned int n = 0; n < 4 * LEN; n++) {
			struct scenario s = {
				.len = LEN - 1,
				.room = 2 * LEN,
				.flags = n & 1 ? PERCU_VEC_INPLACE : 0,
				.nr = 2,
				.op = { { shorter[k], n / 4 }, { APPEND, 0 } },
				.way = n & 2 ? VIEW_UP : VIEW_DOWN,
			};

			s.op[1].i = len_after(&s.op[0], s.len);
			scenario_run(&s);
		}
	}
	sum_end();
}

/*
 * Without memory for a copy a removal clears the slot in place and the rest is
 * as it was; the next change, when there is memory, squeezes the hole out.
 */
static void no_memory(void)
{
	static const enum what whats[] = { REMOVE,      REMOVE_EXACT, TAKE,
					   REMOVE_SWAP, REMOVE_IF,    TRUNCATE,
					   INSERT,      REPLACE };
	size_t len = sched_brief() ? 2 : 3;
	size_t all = sizeof(whats) / sizeof(*whats) * len;

	/* Each schedule hoards, which the tools make slow. */
	if (check_short() && tool_any()) {
		check_skip("under a tool, in short");
		return;
	}
	sum_begin();
	fired = 0;
	pin(0);
	for (size_t k = 0; k < all; k += sched_brief() ? 3 : 1) {
		for (int way = VIEW_UP; way <= VIEW_DOWN; way++) {
			struct scenario s = {
				.len = len,
				.room = 2 * len,
				.starves = true,
				.nr = 2,
				.op = { { whats[k / len], k % len } },
				.way = (enum way)way,
			};

			s.op[1].i = starved_len(&s.op[0], len);
			scenario_run(&s);
		}
	}
	unpin();
	printf("(%lu faults) ", fired);
	CU_ASSERT(fired > 0);
	sum_end();
	CU_ASSERT(sum.holes > 0);
	CU_ASSERT_EQUAL(sum.missed[VIEW_UP], 0);
}

static const CU_TestInfo tests[] = {
	{ "one operation, every schedule", one_operation },
	{ "what each strategy makes possible", the_table },
	{ "no slot is used again under a reader", no_phantom },
	{ "without memory a hole, and nothing else", no_memory },
	{ "two operations, every schedule", two_operations },
	CU_TEST_INFO_NULL
};

int main(void)
{
	sizes_init();
	sched_init();
	return check_main("vec_sched", tests);
}
