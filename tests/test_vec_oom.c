/* SPDX-License-Identifier: MIT */
/*
 * tests/test_vec_oom.c - edits of vectors on a system that refuses
 *
 * See tests/vec_oom.h for how; test_vec_oom_ends.c is about the beginning and
 * the end of a vector.
 *
 * Laws: what may fail returns -ENOMEM and leaves every slot as it was; what
 * removes succeeds, and leaves all others in their order; of what it could not
 * squeeze out nothing is left after the next change when there is memory; each
 * object is released once; no memory is lost.
 */
#include <errno.h>

#include "tests/pools.h"
#include "tests/vec_oom.h"

enum {
	EDITS = 6, /* of a batch */
	NEW = 3,   /* objects that an edit puts in, at most; a batch more */
};

static struct model next_model; /* what is to be after the edit */

static bool slots_same(const struct model *m)
{
	bool same;

	reader_lock(&readers[READERS_BP]);
	same = percu_vec_len(&vec) == m->len;
	for (size_t i = 0; same && i < m->len; i++)
		same = percu_vec_get(&vec, i) == m->slot[i];
	reader_unlock(&readers[READERS_BP]);
	return same;
}

/* The same objects in the same order, and holes. */
static bool objects_same(const struct model *m, size_t *holes)
{
	struct object *o;
	size_t i, n = 0;

	reader_lock(&readers[READERS_BP]);
	percu_vec_for_each (&vec, i, o)
		if (n >= m->len || o != m->slot[n++])
			break;
	*holes = percu_vec_len(&vec) - n;
	if (i < percu_vec_len(&vec))
		n = SIZE_MAX;
	reader_unlock(&readers[READERS_BP]);
	return n == m->len;
}

/* Edits.  Each changes the model to what it must be if it succeeds. ---------- */

static int edit_one_append(struct model *m, size_t i)
{
	struct object *o = object_new();

	(void)i;
	model_insert(m, m->len, o);
	return percu_vec_append(&vec, o);
}

static int edit_bulk(struct model *m, size_t i)
{
	void *objs[NEW];

	(void)i;
	for (int n = 0; n < NEW; n++) {
		objs[n] = object_new();
		model_insert(m, m->len, objs[n]);
	}
	return percu_vec_append_bulk(&vec, objs, NEW);
}

static int edit_one_insert(struct model *m, size_t i)
{
	struct object *o = object_new();

	model_insert(m, i, o);
	return percu_vec_insert(&vec, i, o);
}

static int edit_one_replace(struct model *m, size_t i)
{
	struct object *o = object_new();

	model_remove(m, i);
	model_insert(m, i, o);
	return percu_vec_replace(&vec, i, o);
}

static int edit_more_room(struct model *m, size_t i)
{
	(void)i;
	return percu_vec_reserve(&vec, 2 * m->len + 10);
}

static int edit_less_room(struct model *m, size_t i)
{
	(void)m;
	(void)i;
	return percu_vec_clip(&vec);
}

static int remove_one(struct model *m, size_t i)
{
	model_remove(m, i);
	return percu_vec_remove(&vec, i);
}

static int remove_exact(struct model *m, size_t i)
{
	model_remove(m, i);
	return percu_vec_remove_exact(&vec, i);
}

static int remove_nil(struct model *m, size_t i)
{
	model_remove(m, i);
	return percu_vec_remove_nil(&vec, i);
}

static int take(struct model *m, size_t i)
{
	struct object *o = m->slot[i];

	model_remove(m, i);
	o->ours = true;
	return percu_vec_take(&vec, i) == o ? 0 : -EIO;
}

static int cut(struct model *m, size_t i)
{
	while (m->len > i)
		model_remove(m, m->len - 1);
	return percu_vec_truncate(&vec, i);
}

/* Some in a row and some far from each other. */
static bool named(void *obj, void *arg)
{
	size_t n = (size_t)((struct object *)obj - objects);

	(void)arg;
	return n % 7 == 3 || n % 1000 < 20;
}

static int remove_named(struct model *m, size_t i)
{
	ssize_t n = 0;

	(void)i;
	for (size_t k = m->len; k--;) {
		if (named(m->slot[k], NULL)) {
			model_remove(m, k);
			n++;
		}
	}
	return percu_vec_remove_if(&vec, named, NULL) == n ? 0 : -EIO;
}

struct edit {
	const char *name;
	int (*run)(struct model *m, size_t i);
	bool removes;
};

static const struct edit edits[] = {
	{ "append", edit_one_append, false },
	{ "append_bulk", edit_bulk, false },
	{ "insert", edit_one_insert, false },
	{ "replace", edit_one_replace, false },
	{ "reserve", edit_more_room, false },
	{ "clip", edit_less_room, false },
	{ "remove", remove_one, true },
	{ "remove_exact", remove_exact, true },
	{ "remove_nil", remove_nil, true },
	{ "take", take, true },
	{ "truncate", cut, true },
	{ "remove_if", remove_named, true },
};

/* Swap and pop: the order is another if there was memory, or not. */
static bool swap_same(size_t i)
{
	struct object *last = model.slot[model.len - 1];
	size_t holes;
	bool same;

	next_model = model;
	model_remove(&next_model, i);
	if (objects_same(&next_model, &holes) && holes)
		return true;
	next_model = model;
	next_model.slot[i]->out = true;
	next_model.slot[i] = last;
	next_model.len--;
	same = slots_same(&next_model);
	return same;
}

static bool law(bool holds, const char *what, const struct shape *s,
		const struct supply *m, const char *text)
{
	if (!holds)
		printf("\n    %s of %s, call %lu, leaves %zu, nodes %zu: %s ",
		       what, s->name, m->nth, m->leaves, m->kids, text);
	return holds;
}

/* What was refused is ours. */
static void refused(size_t from)
{
	sum.refused++;
	for (size_t k = 0; k < nr_objects; k++)
		objects[k].out = true;
	for (size_t i = 0; i < model.len; i++)
		model.slot[i]->out = false;
	while (from < nr_objects)
		objects[from++].ours = true;
}

/* A change when there is memory: nothing is owed after it. */
static bool settles(struct model *m, size_t holes)
{
	struct object *o = object_new();

	model_insert(m, m->len, o);
	if (percu_vec_append(&vec, o) || percu_vec_check(&vec))
		return false;
	sum.settled += holes != 0;
	return slots_same(m) && percu_vec_live(&vec) == m->len;
}

/* False: nothing has failed any more. */
static bool edit_try(const struct edit *e, const struct shape *shape,
		     struct supply *s, size_t i)
{
	struct percu_memstats was;
	size_t before, holes = 0;
	unsigned long fired;
	bool ok = true;
	int rc;

	percu_memstats(&was);
	CU_ASSERT_FATAL(vec_make(shape));
	before = nr_objects;
	next_model = model;
	supply_begin(s);
	rc = e->run(&next_model, i);
	fired = supply_end();
	sum.tries++;
	if (rc == -ENOMEM && !e->removes) {
		refused(before);
		ok = law(slots_same(&model), e->name, shape, s, "unchanged");
		next_model = model;
	} else {
		ok = law(!rc, e->name, shape, s, strerror(-rc)) &&
		     law(objects_same(&next_model, &holes), e->name, shape, s,
			 "in order");
		sum.holes += holes;
	}
	ok = ok && law(!percu_vec_check(&vec), e->name, shape, s, "audit");
	/* The hole that remove_nil leaves is there to stay. */
	if (e->run == remove_nil)
		ok = ok && law(holes == 1, e->name, shape, s, "one hole");
	else
		ok = ok && law(settles(&next_model, holes), e->name, shape, s,
			       "settled");
	CU_ASSERT_FATAL(ok);
	vec_unmake(&was, e->name);
	return fired;
}

static bool swap_try(const struct shape *shape, struct supply *s, size_t i)
{
	const char *name = "remove_swap";
	struct percu_memstats was;
	unsigned long fired;
	bool ok;

	percu_memstats(&was);
	CU_ASSERT_FATAL(vec_make(shape));
	supply_begin(s);
	ok = law(!percu_vec_remove_swap(&vec, i), name, shape, s, "returned");
	fired = supply_end();
	sum.tries++;
	ok = ok && law(swap_same(i), name, shape, s, "swapped, or a hole");
	ok = ok && law(!percu_vec_check(&vec), name, shape, s, "audit");
	ok = ok && law(settles(&next_model, 0), name, shape, s, "settled");
	CU_ASSERT_FATAL(ok);
	vec_unmake(&was, name);
	return fired;
}

/* Batches. ------------------------------------------------------------------- */

static bool batch_same(const struct percu_vec_batch *b, const struct model *m)
{
	size_t step_ = m->len > 5000 ? 97 : 1;
	bool same = percu_vec_batch_len(b) == m->len;

	for (size_t i = 0; same && i < m->len; i += step_)
		same = percu_vec_batch_get(b, i) == m->slot[i];
	return same;
}

/* One edit of it: done, or refused and nothing has changed. */
static bool batch_edit(struct percu_vec_batch *b, struct model *m,
		       unsigned int k)
{
	size_t i = m->len * k / EDITS;
	struct object *o = NULL, *old = NULL;
	int rc;

	if (k % 3 != 2)
		o = object_new();
	if (k % 3 == 0) {
		rc = percu_vec_batch_insert(b, i, o);
	} else {
		old = m->slot[i];
		rc = o ? percu_vec_batch_replace(b, i, o) :
			 percu_vec_batch_remove(b, i);
	}
	if (rc) {
		sum.refused++;
		if (o)
			o->ours = true;
		return rc == -ENOMEM && batch_same(b, m);
	}
	if (old)
		model_remove(m, i);
	if (o)
		model_insert(m, i, o);
	return batch_same(b, m);
}

static bool batch_run(struct percu_vec_batch *b, bool commit, size_t before)
{
	bool ok = true;

	for (unsigned int k = 0; ok && k < EDITS; k++)
		ok = batch_edit(b, &next_model, k);
	if (commit)
		return !percu_vec_batch_commit(b) && ok;
	percu_vec_batch_abort(b);
	refused(before);
	next_model = model;
	return ok;
}

static bool batch_try(const struct shape *shape, struct supply *s, bool commit)
{
	const char *name = commit ? "commit" : "abort";
	struct percu_memstats was;
	struct percu_vec_batch b;
	unsigned long fired;
	bool ok = true;
	int rc;

	percu_memstats(&was);
	CU_ASSERT_FATAL(vec_make(shape));
	next_model = model;
	supply_begin(s);
	rc = percu_vec_batch_begin(&b, &vec);
	if (!rc)
		ok = batch_run(&b, commit, nr_objects);
	fired = supply_end();
	sum.tries++;
	ok = law(ok && (!rc || rc == -ENOMEM), name, shape, s, "edits") &&
	     law(slots_same(&next_model), name, shape, s, "slots") &&
	     law(settles(&next_model, 0), name, shape, s, "settled");
	CU_ASSERT_FATAL(ok);
	vec_unmake(&was, name);
	return fired;
}

/* Sweeps. -------------------------------------------------------------------- */

enum {
	NR_EDITS = sizeof(edits) / sizeof(edits[0]),
};

static bool any_try(size_t what, const struct shape *shape, struct supply *s)
{
	size_t i = shape->len / 3;

	if (what < NR_EDITS)
		return edit_try(&edits[what], shape, s, i);
	if (what == NR_EDITS)
		return swap_try(shape, s, i);
	return batch_try(shape, s, what == NR_EDITS + 1);
}

/* Under tools each edit of each shape is tried with one of the two. */
static bool chosen(size_t shape, size_t what, bool forever)
{
	return !check_short() || !tool_any() || (shape + what) % 2 == forever;
}

static void calls_fail(bool forever)
{
	pin(0);
	for (size_t shape = 0; shape < shapes_now(); shape++) {
		for (size_t what = 0; what < NR_EDITS + 3; what++) {
			struct supply s = { .calls = true, .forever = forever };

			if (!chosen(shape, what, forever))
				continue;
			do
				s.nth++;
			while (any_try(what, &shapes[shape], &s));
		}
	}
	unpin();
	CU_ASSERT(sum_print() > 0);
}

static void once(void)
{
	calls_fail(false);
}

static void for_good(void)
{
	calls_fail(true);
}

/* A path has a leaf and some nodes above it; a merge or a split has two. */
static void nodes_fail(void)
{
	size_t by = check_short() && tool_any() ? 12 : 1;
	unsigned long refusals, holes;

	pin(0);
	for (size_t shape = 2; shape < shapes_now(); shape++) {
		for (size_t what = 0; what < NR_EDITS + 3; what++) {
			for (size_t n = 0; n < 25; n += by) {
				struct supply s = { .leaves = n / 5,
						    .kids = n % 5 };

				any_try(what, &shapes[shape], &s);
			}
		}
	}
	unpin();
	refusals = sum.refused;
	holes = sum.holes;
	CU_ASSERT(sum.settled > 0);
	CU_ASSERT(sum_print() > 0);
	CU_ASSERT(refusals > 0 && holes > 0);
}

static void blocks_fail_at_random(void)
{
	struct supply s = { .random = true, .rand = { check_seed() } };
	unsigned int rounds = check_short() ? (tool_any() ? 1 : 2) : 20;

	pin(0);
	for (unsigned int n = 0; n < rounds; n++) {
		for (size_t shape = 0; shape < shapes_now() - (n > 4); shape++)
			for (size_t what = 0; what < NR_EDITS + 3; what++)
				any_try(what, &shapes[shape], &s);
	}
	unpin();
	CU_ASSERT(sum_print() > 0);
}

static const CU_TestInfo tests[] = {
	{ "each call fails once", once },
	{ "each call fails for good", for_good },
	{ "each node's allocation fails", nodes_fail },
	{ "allocations fail at random", blocks_fail_at_random },
	CU_TEST_INFO_NULL
};

int main(void)
{
	sizes_init();
	return check_main("vec_oom", tests);
}
