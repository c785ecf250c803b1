/* SPDX-License-Identifier: MIT */
/*
 * tests/vec_sched_model.c - what each operation does to the slots of a vector
 *
 * Of an operation that is about to begin it is said which states the vector
 * passes through, and what is stored in place into which slots: a view that
 * has such a slot may show it, and shows nothing else that is new.
 */
#include <errno.h>
#include <string.h>

#include "tests/check.h"
#include "tests/readers.h"
#include "tests/vec_sched.h"
#include "vec/vec.h"

struct object *object_new(void)
{
	struct object *o = &w.object[w.objects];

	*o = (struct object){ .number = (int)w.objects++ };
	return o;
}

void object_release(void *obj, void *arg)
{
	struct object *o = obj;

	(void)arg;
	reader_passed();
	__atomic_add_fetch(&o->released, 1, __ATOMIC_RELAXED);
}

static void object_gone(struct object *o)
{
	if (o)
		o->gone = true;
}

static void state_insert(struct state *st, size_t i, struct object *o)
{
	memmove(st->slot + i + 1, st->slot + i,
		(st->len++ - i) * sizeof(*st->slot));
	st->slot[i] = o;
}

static void state_remove(struct state *st, size_t i)
{
	object_gone(st->slot[i]);
	memmove(st->slot + i, st->slot + i + 1,
		(--st->len - i) * sizeof(*st->slot));
}

bool odd(void *obj, void *arg)
{
	struct object *o = obj;

	(void)arg;
	return o->number & 1;
}

static void state_keep(struct state *st, bool all)
{
	size_t n = 0;

	for (size_t i = 0; i < st->len; i++) {
		struct object *o = st->slot[i];

		if (o && (all || !odd(o, NULL)))
			st->slot[n++] = o;
		else
			object_gone(o);
	}
	st->len = n;
}

/* A tree copies all the same. */
static bool inplace(void)
{
	return w.s->flags & PERCU_VEC_INPLACE && !node_level(w.stage->vec.root);
}

/* The operation is going to store it in slot i of the version that there is. */
static void stores(size_t i, const struct object *o)
{
	w.stores[w.nr_stores++] =
		(struct in_place){ version_slot(w.stage->vec.root, i), bit(o) };
}

/* The state that the vector is in is the only one that is allowed. */
static struct state allow_only(void)
{
	w.allowed[0] = w.allowed[w.at];
	w.nr_allowed = 1;
	w.at = 0;
	w.nr_stores = 0;
	return w.allowed[0];
}

static void allow(const struct state *st)
{
	w.allowed[w.nr_allowed++] = *st;
}

static void state_replace(struct state *st, size_t i, struct object *o)
{
	object_gone(st->slot[i]);
	if (!o || inplace())
		stores(i, o);
	st->slot[i] = o;
}

static void state_take(struct state *st, size_t i)
{
	if (st->slot[i])
		st->slot[i]->taken = true;
	state_remove(st, i);
}

/* In place the last one is in both slots, then in one. */
static void state_swap(struct state *st, size_t i)
{
	struct object *last = st->slot[st->len - 1];

	object_gone(st->slot[i]);
	st->slot[i] = last;
	if (inplace()) {
		w.swapped = true;
		stores(i, last);
		stores(st->len - 1, NULL);
		allow(st);
		st->slot[st->len - 1] = NULL;
		allow(st);
	}
	st->len--;
}

static void state_truncate(struct state *st, size_t len)
{
	while (st->len > len)
		state_remove(st, st->len - 1);
}

static void state_after(struct state *st, const struct op *op, struct object *o)
{
	switch (op->what) {
	case APPEND:
	case INSERT:
		state_insert(st, op->i, o);
		break;
	case REPLACE:
		state_replace(st, op->i, o);
		break;
	case TAKE:
		state_take(st, op->i);
		break;
	case REMOVE:
	case REMOVE_EXACT:
		state_remove(st, op->i);
		break;
	case REMOVE_NIL:
		state_replace(st, op->i, NULL);
		break;
	case REMOVE_SWAP:
		state_swap(st, op->i);
		break;
	case TRUNCATE:
		state_truncate(st, op->i);
		break;
	case REMOVE_IF:
	case COMPACT:
		state_keep(st, op->what == COMPACT);
		break;
	case BATCH:
		state_remove(st, op->i);
		state_insert(st, st->len, o);
		break;
	case NR_WHATS:
		break;
	}
}

static void reader_foresees(void)
{
	if (w.reader.stage == 1)
		reader_allows(&w.reader);
}

/* The states that the vector passes through. */
void foresee(const struct op *op, struct object *o)
{
	struct state st = allow_only();

	state_after(&st, op, o);
	allow(&st);
	reader_foresees();
	/* What was owed is squeezed out in a version of its own. */
	if (w.s->starves) {
		state_keep(&st, true);
		allow(&st);
	}
}

/* A hole, and nothing else has changed. */
static void foresee_hole(struct state *st, size_t i)
{
	object_gone(st->slot[i]);
	stores(i, NULL);
	st->slot[i] = NULL;
	allow(st);
}

/* The end is cut off, of a tree as many slots at once as its last leaf has. */
static void foresee_cut(struct state *st, size_t len)
{
	const struct percu_node *root = w.stage->vec.root;
	size_t leaf = 0;

	while (st->len > len) {
		if (node_level(root))
			leaf = (st->len - 1) / LEAF_MAX * LEAF_MAX;
		leaf = leaf > len ? leaf : len;
		for (size_t i = st->len; i-- > leaf;)
			foresee_hole(st, i);
		st->len = leaf;
		allow(st);
		leaf = len;
	}
}

/*
 * Without memory: what can fail does, and changes nothing; what removes
 * clears, one slot after the other; the end is cut off at last.
 */
static int starved(struct state *now, const struct op *op)
{
	struct state st = *now;

	switch (op->what) {
	case TAKE:
		st.slot[op->i]->taken = true;
		foresee_hole(&st, op->i);
		return 0;
	case REMOVE:
	case REMOVE_NIL:
	case REMOVE_EXACT:
	case REMOVE_SWAP:
		foresee_hole(&st, op->i);
		return 0;
	case REMOVE_IF:
		for (size_t i = 0; i < st.len; i++)
			if (odd(st.slot[i], NULL))
				foresee_hole(&st, i);
		return 0;
	case TRUNCATE:
		foresee_cut(&st, op->i);
		return 0;
	default:
		return -ENOMEM;
	}
}

int foresee_starved(const struct op *op)
{
	struct state now = allow_only();
	int rc = starved(&now, op);

	reader_foresees();
	return rc;
}
