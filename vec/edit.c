/* SPDX-License-Identifier: MIT */
/*
 * vec/edit.c - what is done to the version in the making
 *
 * Each edit is the same to its caller whether the version is a block or a
 * tree; here it becomes the one or the other.  A block that gets too long
 * becomes a tree at FLAT_MAX slots, and a tree a block again at FLAT_BACK: in
 * between, a vector that swings does not change its form at each swing.
 *
 * A tree that should become a block stays a tree where there is no memory for
 * the block, and the next removal tries again.
 */
#include <errno.h>
#include <string.h>

#include "vec/vec.h"

static bool is_tree(const struct percu_vec_batch *b)
{
	return node_level(b->root) != 0;
}

/* Room for n more slots in the form that they need. */
static int grow(struct percu_vec_batch *b, size_t n)
{
	size_t len = node_len(b->root);

	if (n > VEC_MAX - len)
		return -ENOMEM;
	if (is_tree(b) || len + n <= FLAT_MAX)
		return 0;
	return tree_from_flat(b);
}

static void shrink(struct percu_vec_batch *b)
{
	if (is_tree(b) && b->root->total <= FLAT_BACK)
		(void)flat_from_tree(b, b->root->total);
}

/* For versions that are dropped when it fails. */
int edit_append(struct percu_vec_batch *b, void *const *objs, size_t n)
{
	int rc = grow(b, n);
	void **to;

	if (!rc && is_tree(b)) {
		rc = tree_append(b, objs, n);
	} else if (!rc) {
		to = flat_open(b, node_len(b->root), n);
		if (to)
			memcpy(to, objs, n * sizeof(*objs));
		else
			rc = -ENOMEM;
	}
	if (!rc)
		b->live += n;
	return rc;
}

int edit_insert(struct percu_vec_batch *b, size_t i, void *obj)
{
	int rc = grow(b, 1);
	void **to;

	if (!rc && is_tree(b)) {
		rc = tree_insert(b, i, obj);
	} else if (!rc) {
		to = flat_open(b, i, 1);
		if (to)
			*to = obj;
		else
			rc = -ENOMEM;
	}
	if (!rc)
		b->live++;
	return rc;
}

int edit_replace(struct percu_vec_batch *b, size_t i, void *obj, void **old)
{
	struct path p;
	void **slot;

	if (is_tree(b)) {
		if (path_own(b, i, &p))
			return -ENOMEM;
		slot = &p.node[0]->slot[p.k[0]];
	} else {
		if (!flat_own(b, 0))
			return -ENOMEM;
		slot = &b->root->slot[i];
	}
	*old = *slot;
	*slot = obj;
	b->live += (size_t)(obj != NULL) - (*old != NULL);
	return 0;
}

static int remove_slot(struct percu_vec_batch *b, size_t i, bool exact)
{
	return is_tree(b) ? tree_remove(b, i) : flat_close(b, i, 1, exact);
}

int edit_remove(struct percu_vec_batch *b, size_t i, void **obj)
{
	int rc;

	*obj = version_get(b->root, i);
	rc = remove_slot(b, i, false);
	if (rc)
		return rc;
	b->live -= *obj != NULL;
	shrink(b);
	return 0;
}

int edit_remove_exact(struct percu_vec_batch *b, size_t i, void **obj)
{
	int rc;

	*obj = version_get(b->root, i);
	rc = remove_slot(b, i, true);
	if (!rc && is_tree(b))
		rc = edit_rebuild(b, REBUILD_EXACT);
	if (rc)
		return rc;
	b->live -= *obj != NULL;
	return 0;
}

int edit_remove_swap(struct percu_vec_batch *b, size_t i, void **obj)
{
	size_t last = node_len(b->root) - 1;
	void *moved = version_get(b->root, last);
	int rc = edit_remove(b, last, obj);

	if (rc || i == last)
		return rc;
	return edit_replace(b, i, moved, obj);
}

static size_t count_live(const struct percu_node *root, size_t from, size_t to)
{
	size_t n = 0;
	struct percu_chunk c;

	while (from < to) {
		c = version_chunk((struct percu_view){ root, to }, from);
		for (; from < c.end; from++, c.slot++)
			n += *c.slot != NULL;
	}
	return n;
}

int edit_truncate(struct percu_vec_batch *b, size_t len)
{
	size_t old = node_len(b->root);
	size_t fewer = count_live(b->root, len, old);
	int rc;

	if (len == old)
		return 0;
	if (!is_tree(b))
		rc = flat_close(b, len, old - len, false);
	else if (len <= FLAT_BACK)
		rc = flat_from_tree(b, len);
	else
		rc = tree_truncate(b, len);
	if (!rc)
		b->live -= fewer;
	return rc;
}

int edit_reserve(struct percu_vec_batch *b, size_t cap)
{
	if (cap > VEC_MAX)
		return -ENOMEM;
	if (is_tree(b) || cap <= b->root->cap)
		return 0;
	cap = cap < FLAT_MAX ? cap : FLAT_MAX;
	return flat_own(b, flat_cap(cap)) ? 0 : -ENOMEM;
}

int edit_clip(struct percu_vec_batch *b)
{
	if (!is_tree(b) && node_len(b->root) == b->root->cap)
		return 0;
	return edit_rebuild(b, REBUILD_EXACT);
}
