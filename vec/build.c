/* SPDX-License-Identifier: MIT */
/*
 * vec/build.c - versions made anew
 *
 * A block that becomes a tree, a tree that becomes a block, and what is made
 * without holes, without spare capacity, or without the objects that are gone.
 * The new version is filled in order, so its leaves are full; the old one
 * stays until all is done, and without memory it stays for good.
 *
 * Taking few slots out of a long tree is done slot by slot instead, which
 * costs and retires a path each and not everything.
 *
 * Words: sift: take out what is in the batch's list of gone objects.
 */
#include <errno.h>
#include <string.h>

#include "vec/vec.h"

/* A tree of one empty leaf. */
static struct percu_node *tree_new(struct percu_vec_batch *b)
{
	struct percu_node *leaf = node_new(b, 0, LEAF_MAX);
	struct percu_node *root = leaf ? node_new(b, 1, KIDS_MAX) : NULL;

	if (!root) {
		if (leaf)
			node_drop(b, leaf);
		return NULL;
	}
	memset(leaf->slot, 0, LEAF_MAX * sizeof(*leaf->slot));
	kids_store(&(struct kids){ .n = 1, .node = { leaf } }, 0, 1, root);
	return root;
}

/* The new version is there, or (rc) is not to be. */
static int turn(struct percu_vec_batch *b, struct percu_node *old, int rc)
{
	if (rc) {
		if (b->root)
			node_free_own(b, b->root);
		b->root = old;
	} else {
		node_drop_all(b, old);
	}
	return rc;
}

int tree_from_flat(struct percu_vec_batch *b)
{
	struct percu_node *old = b->root;

	b->root = tree_new(b);
	return turn(b, old,
		    b->root ? tree_append(b, old->slot, node_len(old)) :
			      -ENOMEM);
}

static uint32_t flat_room(const struct percu_vec_batch *b, size_t len)
{
	size_t least = b->vec->writer->least;

	return flat_cap(len > least ? len : least);
}

/* The first len slots as a block; there must be room for them in one. */
int flat_from_tree(struct percu_vec_batch *b, size_t len)
{
	struct percu_node *to = flat_new(b, flat_room(b, len), len);
	struct percu_chunk c;

	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i < len; i = c.end) {
		c = version_chunk((struct percu_view){ b->root, len }, i);
		memcpy(&to->slot[i], c.slot, (c.end - i) * sizeof(*to->slot));
	}
	node_drop_all(b, b->root);
	b->root = to;
	return 0;
}

/* Gone objects, one after the other. */
struct at_gone {
	const struct percu_vec_gone *block;
	size_t i;
};

static const struct gone_entry *gone_next(struct at_gone *at)
{
	if (at->block && at->i == at->block->n) {
		at->block = at->block->next;
		at->i = 0;
	}
	return at->block ? &at->block->of[at->i++] : NULL;
}

static size_t gone_count(const struct percu_vec_batch *b)
{
	size_t n = 0;

	for (const struct percu_vec_gone *g = b->gone; g; g = g->next)
		n += g->n;
	return n;
}

/* To the end of b->root, a flat block with room for them or a tree. */
static int append(struct percu_vec_batch *b, void *const *objs, size_t n)
{
	void **to;

	if (node_level(b->root))
		return tree_append(b, objs, n);
	to = flat_open(b, node_len(b->root), n);
	if (!to)
		return -ENOMEM;
	memcpy(to, objs, n * sizeof(*objs));
	return 0;
}

/* What is to stay of the old version is appended to the new one. */
static int refill(struct percu_vec_batch *b, const struct percu_node *old,
		  bool squeeze)
{
	struct at_gone at = { b->gone, 0 };
	const struct gone_entry *gone = gone_next(&at);
	struct percu_view all = version_all(old);
	size_t i = 0, n;
	void *keep[256];
	struct percu_chunk c;
	int rc = 0;

	while (i < all.len && !rc) {
		c = version_chunk(all, i);
		if (c.end - i > 256)
			c.end = i + 256;
		for (n = 0; i < c.end; i++, c.slot++) {
			if (gone && gone->slot == i)
				gone = gone_next(&at);
			else if (*c.slot || !squeeze)
				keep[n++] = *c.slot;
		}
		rc = append(b, keep, n);
	}
	return rc;
}

/* The last leaf of a new tree, cut to what it holds. */
static int leaf_fit(struct percu_vec_batch *b)
{
	struct percu_node *n = b->root, *parent, *leaf;

	do {
		parent = n;
		n = parent->slot[parent->nr - 1];
	} while (node_level(n));
	leaf = node_new(b, 0, (uint32_t)n->total);
	if (!leaf)
		return -ENOMEM;
	leaf->total = n->total;
	memcpy(leaf->slot, n->slot, n->total * sizeof(*n->slot));
	parent->slot[parent->nr - 1] = leaf;
	node_drop(b, n);
	return 0;
}

/* Without what is gone, and as how (enum rebuild) says. */
int edit_rebuild(struct percu_vec_batch *b, unsigned int how)
{
	struct percu_node *old = b->root;
	size_t len = node_len(old) - gone_count(b);
	bool squeeze = how & REBUILD_SQUEEZE, exact = how & REBUILD_EXACT;
	int rc = -ENOMEM;

	if (squeeze)
		len = b->live;
	if (len <= FLAT_BACK || (!node_level(old) && len <= FLAT_MAX))
		b->root = flat_new(b, exact ? (uint32_t)len : flat_room(b, len),
				   0);
	else
		b->root = tree_new(b);
	if (b->root)
		rc = refill(b, old, squeeze);
	if (!rc && exact && node_level(b->root))
		rc = leaf_fit(b);
	return turn(b, old, rc);
}

/* Takes out what is gone, slot by slot. */
static int sift_few(struct percu_vec_batch *b)
{
	struct at_gone at = { b->gone, 0 };
	const struct gone_entry *gone;
	size_t before = 0;
	int rc;

	while ((gone = gone_next(&at))) {
		rc = tree_remove(b, gone->slot - before++);
		if (rc)
			return rc;
	}
	if (b->root->total <= FLAT_BACK)
		flat_from_tree(b, b->root->total);
	return 0;
}

/*
 * Takes out what is gone, and every hole.  b->live counts what stays.  Without
 * memory the version is spoilt: it must be aborted.
 */
int edit_sift(struct percu_vec_batch *b)
{
	size_t len = node_len(b->root), n = len - b->live;

	if (!n)
		return 0;
	if (node_level(b->root) && n * FEW <= len && n == gone_count(b))
		return sift_few(b);
	return edit_rebuild(b, REBUILD_SQUEEZE);
}

/* Takes out the holes. */
int edit_squeeze(struct percu_vec_batch *b)
{
	struct percu_view all = version_all(b->root);
	size_t i = 0, n = all.len - b->live;
	struct percu_chunk c;
	int rc = 0;

	if (!n)
		return 0;
	if (!node_level(b->root) || n * FEW > all.len)
		i = all.len; /* all is made anew */
	while (!rc && i < all.len) {
		c = version_chunk(all, i);
		for (; i < c.end && !rc; i++, c.slot++)
			if (!*c.slot)
				rc = gone_add(b, NULL, i, NULL);
	}
	if (!rc)
		rc = edit_sift(b);
	gone_free(b);
	return rc;
}
