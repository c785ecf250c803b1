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
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <percu/stats.h>
#include <percu/vec.h>

#include "sys/tool.h"
#include "tests/check.h"
#include "tests/hoard.h"
#include "tests/pools.h"
#include "tests/vec_sched.h"
#include "vec/vec.h"

static int batch(struct percu_vec *v, size_t i, struct object *o)
{
	struct percu_vec_batch b;

	if (percu_vec_batch_begin(&b, v) || percu_vec_batch_remove(&b, i))
		return -1;
	point();
	if (percu_vec_batch_append(&b, o))
		return -1;
	point();
	return percu_vec_batch_commit(&b);
}

static bool takes(struct percu_vec *v, size_t i)
{
	struct object *was = w.allowed[0].slot[i];

	return percu_vec_take(v, i) == was;
}

static bool perform(const struct op *op, struct object *o)
{
	struct percu_vec *v = &w.stage->vec;

	switch (op->what) {
	case APPEND:
		return !percu_vec_append(v, o);
	case INSERT:
		return !percu_vec_insert(v, op->i, o);
	case REPLACE:
		return !percu_vec_replace(v, op->i, o);
	case REMOVE:
		return !percu_vec_remove(v, op->i);
	case REMOVE_NIL:
		return !percu_vec_remove_nil(v, op->i);
	case REMOVE_EXACT:
		return !percu_vec_remove_exact(v, op->i);
	case REMOVE_SWAP:
		return !percu_vec_remove_swap(v, op->i);
	case REMOVE_IF:
		return percu_vec_remove_if(v, odd, NULL) >= 0;
	case TAKE:
		return takes(v, op->i);
	case TRUNCATE:
		return !percu_vec_truncate(v, op->i);
	case COMPACT:
		return !percu_vec_compact(v);
	case BATCH:
		return !batch(v, op->i, o);
	case NR_WHATS:
		break;
	}
	return false;
}

/* Can this be done to that state, and is it worth it? */
static bool possible(const struct op *op, size_t len)
{
	switch (op->what) {
	case APPEND:
		return op->i == len;
	case INSERT:
	case TRUNCATE:
		return op->i <= len;
	case REMOVE_IF:
	case COMPACT:
		return op->i == 0;
	default:
		return op->i < len;
	}
}

static unsigned long fired; /* faults, while there was no memory */

/* Stages. -------------------------------------------------------------------- */

static struct stage stages[4];

/* Each object is released once, if the vector removed it or had it at last. */
static void stage_end(struct stage *st)
{
	if (!st->made)
		return;
	percu_vec_destroy(&st->vec);
	for (unsigned int n = 0; n < st->used; n++) {
		for (size_t k = 0; k < st->objects[n]; k++) {
			const struct object *o = &st->set[n][k];

			if (o->released != (st->release && !o->taken))
				broken("released", k);
		}
	}
	st->made = false;
	st->used = 0;
}

static void stages_end(void)
{
	for (size_t k = 0; k < sizeof(stages) / sizeof(*stages); k++)
		stage_end(&stages[k]);
}

static struct stage *stage_for(const struct scenario *s)
{
	struct stage *st = &stages[2 * s->release + (s->flags != 0)];
	struct percu_vec_attr attr = { .name = "sched", .flags = s->flags };

	if (st->used == SETS)
		stage_end(st);
	if (st->made)
		return st;
	st->release = s->release;
	if (s->release)
		attr.release = object_release;
	CU_ASSERT_FATAL(!percu_vec_init_flavor(&st->vec, &attr, &sched_flavor));
	st->made = true;
	return st;
}

/* Runs. ---------------------------------------------------------------------- */

/* A block that no reader has seen, with that much room. */
static void world_begin(const struct scenario *s)
{
	struct percu_vec *v;
	void *objs[LEN];

	w.s = s;
	w.stage = stage_for(s);
	w.object = w.stage->set[w.stage->used++];
	w.objects = 0;
	w.points = 0;
	w.broken = false;
	w.reader = (struct reader){ .stage = 0 };
	v = &w.stage->vec;
	for (size_t i = 0; i < s->len; i++)
		objs[i] = object_new();
	CU_ASSERT_FATAL(!percu_vec_truncate(v, 0) && !percu_vec_clip(v) &&
			!percu_vec_reserve(v, s->room) &&
			!percu_vec_append_bulk(v, objs, s->len));
	state_read(&w.allowed[0]);
	w.nr_allowed = 1;
	w.at = 0;
}

static void world_end(void)
{
	w.stage->objects[w.stage->used - 1] = w.objects;
	sum.schedules++;
	sum.points += w.points;
	sum.broken += w.broken;
}

static bool adds(enum what what)
{
	return what <= REPLACE || what == BATCH;
}

static void op_run(const struct op *op)
{
	struct object *o = adds(op->what) ? object_new() : NULL;

	point();
	foresee(op, o);
	w.active = true;
	if (!perform(op, o))
		broken("returned", op->i);
	w.active = false;
	probe();
	/* Where it changes nothing, the first state is the last. */
	if (!state_same(&w.allowed[w.at], &w.allowed[w.nr_allowed - 1]))
		broken("done", op->i);
	w.at = w.nr_allowed - 1;
}

static int starved_call(struct percu_vec *v, const struct op *op)
{
	switch (op->what) {
	case APPEND:
		return percu_vec_append(v, &w);
	case INSERT:
		return percu_vec_insert(v, op->i, &w);
	case REPLACE:
		return percu_vec_replace(v, op->i, &w);
	case COMPACT:
		return percu_vec_compact(v);
	default:
		return perform(op, NULL) ? 0 : -EIO;
	}
}

static void starved_run(const struct op *op)
{
	int must, rc;

	/* It waits for a grace period: before the reader begins. */
	hoard_all();
	point();
	must = foresee_starved(op);
	os_fault_arm(MEMORY, 1, true);
	w.active = true;
	rc = starved_call(&w.stage->vec, op);
	w.active = false;
	os_fault_disarm();
	fired += os_fault_fired();
	give_all_back();
	if (rc != must)
		broken("returned, starved", op->i);
	probe();
	if (w.at != w.nr_allowed - 1)
		broken("done, starved", op->i);
}

static void schedule_run(const struct scenario *s)
{
	world_begin(s);
	for (size_t k = 0; k < s->nr; k++) {
		if (s->starves && k == 0)
			starved_run(&s->op[k]);
		else
			op_run(&s->op[k]);
	}
	point();
	reader_ends();
	judge();
	world_end();
}

static size_t len_after(const struct op *op, size_t len)
{
	switch (op->what) {
	case APPEND:
	case INSERT:
		return len + 1;
	case REPLACE:
	case REMOVE_NIL:
	case COMPACT:
	case BATCH:
		return len;
	case REMOVE_IF:
		return (len + 1) / 2;
	case TRUNCATE:
		return op->i;
	default:
		return len - 1;
	}
}

/* Holes are slots too. */
static size_t starved_len(const struct op *op, size_t len)
{
	return op->what == TRUNCATE ? op->i : len;
}

static void scenario_run(const struct scenario *s)
{
	size_t len = s->len;

	for (size_t k = 0; k < s->nr; k++) {
		if (!possible(&s->op[k], len))
			return;
		len = s->starves && !k ? starved_len(&s->op[k], len) :
					 len_after(&s->op[k], len);
	}
	sum.scenarios++;
	w.depth = 0;
	do
		schedule_run(s);
	while (schedule_next() && sum.broken < 10);
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
	for (unsigned int k = 0; k < 4 * NR_WAYS; k++) {
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

static void sum_print(void)
{
	printf("(%lu scenarios, %lu schedules, %lu points; missed up %lu, twice up %lu, twice down %lu, holes %lu) ",
	       sum.scenarios, sum.schedules, sum.points,
	       sum.missed[VIEW_UP] + sum.missed[GETS_UP],
	       sum.twice[VIEW_UP] + sum.twice[GETS_UP],
	       sum.twice[VIEW_DOWN] + sum.twice[GETS_DOWN], sum.holes);
	CU_ASSERT_EQUAL(sum.broken, 0);
	CU_ASSERT(sum.schedules > 0);
}

static void sum_begin(void)
{
	memset(&sum, 0, sizeof(sum));
}

static void sum_end(void)
{
	stages_end();
	sum_print();
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

/* How records are reached makes no schedule: once is enough for the longest. */
static bool brief(void)
{
	return check_short() || !strcmp(percu_mode(), "lock");
}

static void two_operations(void)
{
	size_t most = brief() ? 2 : 3;

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
 * The table: what a view may miss, see twice, or find empty.  "Never" is a
 * law of every scenario; that the rest does happen is said here.
 */
static void the_table(void)
{
	static const struct {
		enum what what;
		unsigned int flags;
		enum way way;
		bool missed, twice, holes;
	} cell[] = {
		{ REMOVE, 0, VIEW_UP, false, false, false },
		{ REMOVE, 0, VIEW_DOWN, false, false, false },
		{ REMOVE, PERCU_VEC_INPLACE, VIEW_UP, false, false, false },
		{ REMOVE_EXACT, 0, VIEW_UP, false, false, false },
		{ REMOVE_EXACT, 0, VIEW_DOWN, false, false, false },
		{ TAKE, 0, VIEW_UP, false, false, false },
		{ REMOVE_NIL, 0, VIEW_UP, false, false, true },
		{ REMOVE_NIL, 0, VIEW_DOWN, false, false, true },
		{ REMOVE_SWAP, 0, VIEW_UP, false, false, false },
		{ REMOVE_SWAP, 0, VIEW_DOWN, false, false, false },
		{ REMOVE_SWAP, PERCU_VEC_INPLACE, VIEW_UP, true, true, true },
		{ REMOVE_SWAP, PERCU_VEC_INPLACE, VIEW_DOWN, false, true,
		  true },
		{ REMOVE, 0, GETS_UP, true, false, true },
		{ REMOVE, 0, GETS_DOWN, false, true, true },
	};

	for (size_t k = 0; k < sizeof(cell) / sizeof(cell[0]); k++) {
		enum way way = cell[k].way;

		alone(cell[k].what, cell[k].flags, way);
		CU_ASSERT_EQUAL(sum.missed[way] > 0, cell[k].missed);
		CU_ASSERT_EQUAL(sum.twice[way] > 0, cell[k].twice);
		if (way < GETS_UP)
			CU_ASSERT_EQUAL(sum.holes > 0, cell[k].holes);
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
	size_t len = brief() ? 2 : 3;
	size_t all = sizeof(whats) / sizeof(*whats) * len;

	/* Each schedule hoards, which the tools make slow. */
	if (check_short() && tool_any()) {
		check_skip("under a tool, in short");
		return;
	}
	sum_begin();
	fired = 0;
	pin(0);
	for (size_t k = 0; k < all; k += brief() ? 3 : 1) {
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
