/* SPDX-License-Identifier: MIT */
/*
 * tests/vec_sched_run.c - a scenario: what the writer does, and all its schedules
 */
#include <errno.h>
#include <string.h>

#include <percu/stats.h>
#include <percu/vec.h>

#include "tests/check.h"
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

void stages_end(void)
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
	void *objs[SLOTS];

	w.s = s;
	w.stage = stage_for(s);
	w.object = w.stage->set[w.stage->used++];
	w.objects = 0;
	w.points = 0;
	w.broken = w.swapped = false;
	w.nr_stores = 0;
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
	if (percu_vec_check(&w.stage->vec))
		broken("audit", op->i);
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

	hunger_begins();
	point();
	must = foresee_starved(op);
	starve(true);
	w.active = true;
	rc = starved_call(&w.stage->vec, op);
	w.active = false;
	starve(false);
	hunger_ends();
	if (rc != must)
		broken("returned, starved", op->i);
	probe();
	if (w.at != w.nr_allowed - 1)
		broken("done, starved", op->i);
	if (percu_vec_check(&w.stage->vec))
		broken("audit, starved", op->i);
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

size_t len_after(const struct op *op, size_t len)
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
size_t starved_len(const struct op *op, size_t len)
{
	return op->what == TRUNCATE ? op->i : len;
}

void scenario_run(const struct scenario *s)
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

void sum_begin(void)
{
	memset(&sum, 0, sizeof(sum));
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

void sum_end(void)
{
	stages_end();
	sum_print();
}

/* How records are reached makes no schedule: once is enough for the longest. */
bool sched_brief(void)
{
	return check_short() || !strcmp(percu_mode(), "lock");
}
