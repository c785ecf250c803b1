/* SPDX-License-Identifier: MIT */
/*
 * vec/place.c - edits of the published version in place
 *
 * Readers look on.  What each store means to one that has latched a length:
 *
 *	append	the slot is behind every length that any reader has; the new
 *		length, stored with release, shows it
 *	set	an object or NULL takes the place of another in one store
 *	swap	the last element is stored into slot i, then its old slot is
 *		cleared, then the length is: an element moves only down, and
 *		until it has arrived it is still where it was.  So a reader
 *		that goes down the indices cannot miss it: if it finds the old
 *		slot cleared, the acquire of that load shows it slot i, which
 *		is still to come
 *	cut	the slots are cleared, then the length is stored
 *
 * A slot that fell behind the length may be looked at by a reader with a
 * longer one until a grace period has passed.  Its block is spoiled: nothing
 * is appended to it in place meanwhile.  A leaf stays so until it is copied,
 * for the nodes above it still have the starts of what was cut off.
 *
 * A cut in a tree takes the last leaf off once it is empty: the parent forgets
 * the child, its slot is cleared, and readers whose length went that far find
 * the NULL.
 */
#include <string.h>

#include "vec/vec.h"

static void store(void **slot, void *obj, const char *where)
{
	step(where);
	/* Pairs with percu_slot_load(). */
	__atomic_store_n(slot, obj, __ATOMIC_RELEASE);
}

static void len_store(struct percu_node *root, size_t len)
{
	step("length");
	node_len_publish(root, len);
}

static bool block_spoiled(struct percu_vec_writer *w, struct percu_node *root)
{
	if (root->extra && grace_passed(w->flavor, w->since))
		root->extra = false;
	return root->extra;
}

static void block_spoil(struct percu_vec_writer *w, struct percu_node *root)
{
	root->extra = true;
	w->since = grace_now(w->flavor);
}

/* The nodes of the edge, by level; the root's. */
static uint32_t edge(struct percu_node *root,
		     struct percu_node *node[LEVEL_MAX + 1])
{
	uint32_t level = node_level(root);

	for (uint32_t l = level;; l--) {
		node[l] = root;
		if (!l)
			return level;
		root = node_kid(root, root->nr - 1);
	}
}

/*
 * The nodes below the root have a length of their own for writers alone.  But
 * one may have been a root to a reader, or be again: hence atomic.  Relaxed:
 * nobody looks at a slot for its sake.
 */
static void lengthen(struct percu_node *n, size_t by)
{
	__atomic_store_n(&n->total, n->total + by, __ATOMIC_RELAXED);
}

/* False: there is no room where no reader looks. */
bool place_append(struct percu_vec_batch *b, void *const *objs, size_t n)
{
	struct percu_node *node[LEVEL_MAX + 1], *root = b->root, *last;
	uint32_t level = edge(root, node);
	size_t len = node_len(root), used;

	last = node[0];
	used = level ? last->total : len;
	if (n > last->cap - used || n > VEC_MAX - len)
		return false;
	if (level ? last->extra : block_spoiled(b->vec->writer, last))
		return false;
	for (size_t i = 0; i < n; i++) {
		step("slot");
		/* Relaxed: the release of the length comes behind it. */
		__atomic_store_n(&last->slot[used + i], objs[i],
				 __ATOMIC_RELAXED);
	}
	for (uint32_t l = 0; l < level; l++)
		lengthen(node[l], n);
	len_store(root, len + n);
	b->live += n;
	b->vec->writer->paths[VEC_IN_PLACE]++;
	return true;
}

/* Puts obj or NULL into slot i: what was there. */
void *place_set(struct percu_vec_batch *b, size_t i, void *obj)
{
	void **slot = version_slot(b->root, i);
	void *old = *slot;

	if (old != obj)
		store(slot, obj, "slot");
	b->live += (size_t)(obj != NULL) - (old != NULL);
	b->vec->writer->paths[VEC_IN_PLACE]++;
	return old;
}

/* A removal that has no memory for a copy. */
void *place_remove(struct percu_vec_batch *b, size_t i)
{
	b->vec->writer->owed = true;
	b->vec->writer->paths[VEC_NO_MEMORY]++;
	return place_set(b, i, NULL);
}

/* Moves the last slot of a flat block to slot i: what was there. */
void *place_swap(struct percu_vec_batch *b, size_t i)
{
	struct percu_node *root = b->root;
	size_t last = node_len(root) - 1;
	void *obj = root->slot[i], *moved = root->slot[last];

	if (i != last)
		store(&root->slot[i], moved, "slot");
	store(&root->slot[last], NULL, "clear");
	len_store(root, last);
	block_spoil(b->vec->writer, root);
	b->live -= obj != NULL;
	b->vec->writer->paths[VEC_IN_PLACE]++;
	return obj;
}

/* Takes empty nodes off the edge; not the last one of a level. */
static void cut_kids(struct percu_vec_batch *b, struct percu_node *node[],
		     uint32_t level)
{
	for (uint32_t l = 0; l < level && !node[l]->total; l++) {
		struct percu_node *parent = node[l + 1];

		if (parent->nr == 1)
			continue;
		node_drop_all(b, node[l]);
		parent->nr--;
		store(&parent->slot[parent->nr], NULL, "child");
	}
	edge(b->root, node);
	node[0]->extra = true;
	/* A root is no higher than it must be: its only child can be one. */
	while (node_level(b->root) > 1 && b->root->nr == 1) {
		struct percu_node *root = b->root;

		b->root = node_kid(root, 0);
		node_drop(b, root);
	}
}

/*
 * Clears slots from the end down to len, at most max of them and only those of
 * the last leaf: what they held goes to objs, holes too.  How many.
 */
size_t place_cut(struct percu_vec_batch *b, size_t len, void **objs, size_t max)
{
	struct percu_node *node[LEVEL_MAX + 1], *root = b->root;
	uint32_t level = edge(root, node);
	size_t n = node_len(root), used = level ? node[0]->total : n;
	size_t cut = n - len < max ? n - len : max;

	if (cut > used)
		cut = used;
	for (size_t i = 0; i < cut; i++) {
		void **slot = &node[0]->slot[used - i - 1];

		objs[i] = *slot;
		b->live -= objs[i] != NULL;
		store(slot, NULL, "clear");
	}
	for (uint32_t l = 0; l < level; l++)
		lengthen(node[l], -cut);
	len_store(root, n - cut);
	if (level)
		cut_kids(b, node, level);
	else
		block_spoil(b->vec->writer, root);
	b->vec->writer->paths[VEC_NO_MEMORY]++;
	return cut;
}
