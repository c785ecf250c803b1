/* SPDX-License-Identifier: MIT */
/*
 * tests/vec_model.h - an array that is only an array, and the vector beside it
 *
 *	item	an object; who owns it in the end is the vector's kind
 *	kind	with a release callback, with a pool, with neither
 *	model	an array of items, some slots NULL
 *	trial	a vector and its model, through many steps
 *
 * Assertions end the test: what comes after says nothing new.
 */
#ifndef PERCU_TESTS_VEC_MODEL_H
#define PERCU_TESTS_VEC_MODEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/pool.h>
#include <percu/vec.h>

#include "tests/check.h"
#include "tests/readers.h"
#include "vec/vec.h"

enum {
	CHUNK = 1 << 14, /* items made at once */
	NR_CHUNKS = 1 << 10,
	FULL = 256, /* steps between looks at all of a large vector */
	AUDIT = 16, /* and between audits */
	LARGE = 4000,
};

enum kind {
	WITH_RELEASE,
	WITH_POOL,
	WITH_NEITHER,
	NR_KINDS
};

enum place {
	OUTSIDE, /* never in, or the caller's again */
	INSIDE,
	REMOVED,
	TAKEN,
};

struct item {
	uint32_t id;
	uint8_t place;    /* of enum place; unused of a pool's */
	uint8_t released; /* (a) how often */
};

struct model {
	void **slot;
	size_t len, room;
};

struct trial {
	struct percu_vec vec;
	struct model model;
	enum kind kind;
	struct check_rand rand;
	size_t least, most, target; /* how long it is to be */
	struct percu_pool *pool;
	struct item *chunk[NR_CHUNKS];
	uint32_t items;     /* made so far */
	struct item *spare; /* the one that was made and not used */
	uint64_t removed, taken, released; /* released: (a) */
	uint64_t steps, borders, refusals;
	bool was_tree, swings;
};

extern unsigned long items_wrong; /* (a) releases of what was not removed */

/* Steps. ------------------------------------------------------------------- */

static inline uint32_t below(struct trial *t, size_t n)
{
	return check_rand_below(&t->rand, (uint32_t)n);
}

static inline bool did(struct trial *t, int err, int must)
{
	t->refusals += must != 0;
	if (err == must)
		return !err;
	printf("\n    step %llu: returned %d, not %d\n",
	       (unsigned long long)t->steps, err, must);
	CU_ASSERT_FATAL(err == must);
	return false;
}

/* A batch of some edits, committed or not (vec_model_batch.c). */
void do_batch(struct trial *t);

/* Items. ------------------------------------------------------------------- */

static inline struct item *item_nth(struct trial *t, uint32_t n)
{
	return &t->chunk[n / CHUNK][n % CHUNK];
}

static inline struct item *item_make(struct trial *t)
{
	struct item *it = t->spare;

	t->spare = NULL;
	if (it)
		return it;
	if (t->kind == WITH_POOL) {
		it = percu_pool_get(t->pool);
		CU_ASSERT_PTR_NOT_NULL_FATAL(it);
		*it = (struct item){ .id = t->items++ };
		return it;
	}
	if (t->items % CHUNK == 0) {
		CU_ASSERT_FATAL(t->items / CHUNK < NR_CHUNKS);
		t->chunk[t->items / CHUNK] = calloc(CHUNK, sizeof(*it));
		CU_ASSERT_PTR_NOT_NULL_FATAL(t->chunk[t->items / CHUNK]);
	}
	it = item_nth(t, t->items);
	it->id = t->items++;
	return it;
}

static inline void item_release(void *obj, void *arg)
{
	struct trial *t = arg;
	struct item *it = obj;

	/* TSan: after all that readers did. */
	reader_passed();
	if (__atomic_fetch_add(&it->released, 1, __ATOMIC_RELAXED))
		__atomic_fetch_add(&items_wrong, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&t->released, 1, __ATOMIC_RELAXED);
}

static inline void item_moves(struct trial *t, struct item *it, enum place to)
{
	if (t->kind != WITH_POOL)
		it->place = (uint8_t)to;
}

/* The vector's own removal: it is not ours any more. */
static inline void item_removed(struct trial *t, void *obj)
{
	if (!obj)
		return;
	item_moves(t, obj, REMOVED);
	t->removed++;
}

static inline void item_taken(struct trial *t, struct item *it)
{
	item_moves(t, it, TAKEN);
	t->taken++;
	if (t->kind == WITH_POOL)
		percu_pool_put(t->pool, it);
}

/* It was refused, or its batch aborted. */
static inline void item_back(struct trial *t, struct item *it)
{
	item_moves(t, it, OUTSIDE);
	if (t->kind == WITH_POOL)
		percu_pool_put(t->pool, it);
	else if (!t->spare)
		t->spare = it;
}

/* The model. --------------------------------------------------------------- */

static inline void model_room(struct model *m, size_t more)
{
	if (m->len + more <= m->room)
		return;
	m->room = 2 * (m->len + more);
	m->slot = realloc(m->slot, m->room * sizeof(*m->slot));
	CU_ASSERT_PTR_NOT_NULL_FATAL(m->slot);
}

static inline void model_insert(struct model *m, size_t i, void *obj)
{
	model_room(m, 1);
	memmove(m->slot + i + 1, m->slot + i,
		(m->len++ - i) * sizeof(*m->slot));
	m->slot[i] = obj;
}

static inline void *model_remove(struct model *m, size_t i)
{
	void *obj = m->slot[i];

	memmove(m->slot + i, m->slot + i + 1,
		(--m->len - i) * sizeof(*m->slot));
	return obj;
}

static inline size_t model_live(const struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->len; i++)
		n += !!m->slot[i];
	return n;
}

static inline void model_compact(struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->len; i++)
		if (m->slot[i])
			m->slot[n++] = m->slot[i];
	m->len = n;
}

/* Reading. ----------------------------------------------------------------- */

static inline bool differs(const struct trial *t, const char *how, size_t i,
			   const void *is, const void *must)
{
	printf("\n    step %llu, %s: slot %zu of %zu is %p, not %p\n",
	       (unsigned long long)t->steps, how, i, t->model.len, is, must);
	return false;
}

static inline bool slot_same(const struct trial *t, struct percu_view view,
			     size_t i)
{
	void *must = t->model.slot[i];
	void *got = percu_vec_get(&t->vec, i), *seen = percu_view_get(view, i);
	const struct item *it = got;

	if (got != must)
		return differs(t, "get", i, got, must);
	if (seen != must)
		return differs(t, "view", i, seen, must);
	if (!it || t->kind == WITH_POOL)
		return true;
	if (it->place != INSIDE || it->released)
		return differs(t, "place", i, got, must);
	return true;
}

static inline bool walk_same(const struct trial *t, struct percu_view view)
{
	struct item *it;
	size_t i, next = 0;

	percu_view_for_each (view, i, it) {
		while (next < t->model.len && !t->model.slot[next])
			next++;
		if (i != next || next >= t->model.len ||
		    it != t->model.slot[next])
			return differs(t, "walk", i, it, NULL);
		next++;
	}
	while (next < t->model.len && !t->model.slot[next])
		next++;
	return i == t->model.len && next == i;
}

/* No slot of a block or of a leaf from len on holds a pointer. */
static inline bool slots_clear(const struct trial *t,
			       const struct percu_node *n, size_t len)
{
	for (size_t i = len; i < n->cap; i++)
		if (percu_slot_load(&n->slot[i]))
			return differs(t, "tail", i,
				       percu_slot_load(&n->slot[i]), NULL);
	return n->cap >= len;
}

static inline bool leaves_clear(const struct trial *t,
				const struct percu_node *n)
{
	bool clear = true;

	if (!node_level(n))
		return slots_clear(t, n, n->total);
	for (uint32_t k = 0; k < n->nr && clear; k++)
		clear = leaves_clear(t, node_kid(n, k));
	return clear;
}

static inline bool tail_clear(const struct trial *t)
{
	const struct percu_node *root = percu_vec_root(&t->vec);

	return node_level(root) ? leaves_clear(t, root) :
				  slots_clear(t, root, t->model.len);
}

static inline bool reads_same(struct trial *t, bool all)
{
	size_t len = t->model.len;
	struct percu_view view = percu_vec_view(&t->vec);
	bool same = true;

	if (percu_vec_len(&t->vec) != len || percu_view_len(view) != len ||
	    percu_vec_get(&t->vec, len) || percu_view_get(view, len) ||
	    percu_vec_get(&t->vec, SIZE_MAX)) {
		printf("\n    step %llu: length %zu and %zu, not %zu\n",
		       (unsigned long long)t->steps, percu_vec_len(&t->vec),
		       percu_view_len(view), len);
		return false;
	}
	for (size_t i = 0; same && i < (all ? len : 40); i++)
		same = slot_same(
			t, view,
			all ? i : check_rand_below(&t->rand, (uint32_t)len));
	return same && (!all || walk_same(t, view));
}

static inline void compare(struct trial *t)
{
	bool all = t->model.len < LARGE || t->steps % FULL == 0;
	bool same, tree;

	reader_lock(&readers[READERS_BP]);
	same = reads_same(t, all) && tail_clear(t);
	tree = node_level(percu_vec_root(&t->vec)) != 0;
	reader_unlock(&readers[READERS_BP]);
	CU_ASSERT_FATAL(same);
	t->borders += tree != t->was_tree;
	t->was_tree = tree;
	if (all || t->steps % AUDIT == 0)
		CU_ASSERT_FATAL(!percu_vec_check(&t->vec));
	if (!all)
		return;
	CU_ASSERT_EQUAL_FATAL(percu_vec_live(&t->vec), model_live(&t->model));
}

#endif /* PERCU_TESTS_VEC_MODEL_H */
