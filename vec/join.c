/* SPDX-License-Identifier: MIT */
/*
 * vec/join.c - removing from a tree, and keeping it full
 *
 * A node that falls below its minimum is joined with the neighbour under the
 * same parent: into one node if they fit with room to spare, else what both
 * have is shared evenly.  On the edge only an empty node is taken out.  A root
 * above leaves' parents with one child gives way to the child.
 *
 * What is to be done on each level, and so which neighbours must become own,
 * is planned before anything is changed; a removal that cannot get its nodes
 * has changed nothing.
 *
 * Words: plan: what happens to the node of a path on each level.
 */
#include <errno.h>
#include <string.h>

#include <percu/alloc.h>

#include "vec/vec.h"

enum fix {
	FIX_NONE,  /* and then none above */
	FIX_DROP,  /* it is empty */
	FIX_MERGE, /* with the neighbour; its parent has one child less */
	FIX_SHARE, /* with the neighbour */
};

static size_t size_of(const struct percu_node *n)
{
	return node_level(n) ? n->nr : n->total;
}

/* The left one of the two children of parent that k is to be joined with. */
static uint32_t left_of(uint32_t k)
{
	return k ? k - 1 : 0;
}

/* What becomes of the path's node on this level, once it has size left. */
static enum fix fix_for(const struct path *p, uint32_t level, size_t size)
{
	const struct percu_node *parent = p->node[level + 1];
	uint32_t k = p->k[level + 1], left = left_of(k);
	size_t other, most = level ? KIDS_JOIN : LEAF_JOIN;

	if (path_on_edge(p, level))
		return size ? FIX_NONE : FIX_DROP;
	if (size >= (size_t)(level ? KIDS_MIN : LEAF_MIN))
		return FIX_NONE;
	other = size_of(parent->slot[left == k ? k + 1 : left]);
	return size + other <= most ? FIX_MERGE : FIX_SHARE;
}

/* For a leaf that is to lose one slot.  The neighbours become own. */
static int plan(struct percu_vec_batch *b, const struct path *p,
		enum fix fix[LEVEL_MAX])
{
	size_t size = p->node[0]->total - 1;

	for (uint32_t l = 0; l < p->level; l++) {
		struct percu_node *parent = p->node[l + 1];
		uint32_t k = p->k[l + 1], left = left_of(k);

		fix[l] = b->root->total == 1 ? FIX_NONE : fix_for(p, l, size);
		if (fix[l] == FIX_NONE)
			return 0;
		if (fix[l] != FIX_DROP &&
		    !tree_own_kid(b, parent, left == k ? k + 1 : left))
			return -ENOMEM;
		if (fix[l] == FIX_SHARE)
			return 0;
		size = parent->nr - 1;
	}
	return 0;
}

static void kid_remove(struct percu_node *n, uint32_t k)
{
	uint32_t *start = node_starts(n);
	uint32_t after = --n->nr - k;

	memmove(&n->slot[k], &n->slot[k + 1], after * sizeof(*n->slot));
	memmove(&start[k], &start[k + 1], after * sizeof(*start));
	n->slot[n->nr] = NULL;
	start[n->nr] = UINT32_MAX;
	if (after)
		node_scale(n, false);
}

/* Deals what two leaves have: the left one gets n slots of it. */
static void leaves_deal(struct percu_node *left, struct percu_node *right,
			size_t n)
{
	size_t move, had = left->total;

	if (n > had) {
		move = n - had;
		memcpy(&left->slot[had], right->slot, move * sizeof(void *));
		right->total -= move;
		memmove(right->slot, &right->slot[move],
			right->total * sizeof(void *));
		memset(&right->slot[right->total], 0, move * sizeof(void *));
	} else {
		move = had - n;
		memmove(&right->slot[move], right->slot,
			right->total * sizeof(void *));
		memcpy(right->slot, &left->slot[n], move * sizeof(void *));
		memset(&left->slot[n], 0, move * sizeof(void *));
		right->total += move;
	}
	left->total = n;
}

/* The left one of two nodes gets n of their children. */
static void kids_deal(struct percu_node *left, struct percu_node *right,
		      size_t n)
{
	struct kids kids;

	kids.n = 0;
	kids_load(&kids, left);
	kids_load(&kids, right);
	kids_store(&kids, 0, (uint32_t)n, left);
	kids_store(&kids, (uint32_t)n, kids.n, right);
}

static void join(struct percu_vec_batch *b, struct percu_node *parent,
		 uint32_t k, enum fix fix)
{
	struct percu_node *left = parent->slot[k], *right = parent->slot[k + 1];
	size_t both = size_of(left) + size_of(right);
	size_t n = fix == FIX_MERGE ? both : both / 2;

	if (node_level(left))
		kids_deal(left, right, n);
	else
		leaves_deal(left, right, n);
	if (fix == FIX_MERGE) {
		kid_remove(parent, k + 1);
		node_drop(b, right);
	} else {
		node_starts(parent)[k + 1] =
			node_starts(parent)[k] + (uint32_t)left->total;
		node_scale(parent, false);
	}
}

static void fix_path(struct percu_vec_batch *b, const struct path *p,
		     const enum fix fix[LEVEL_MAX])
{
	for (uint32_t l = 0; l < p->level && fix[l] != FIX_NONE; l++) {
		struct percu_node *parent = p->node[l + 1];
		uint32_t k = p->k[l + 1];

		if (fix[l] == FIX_DROP) {
			kid_remove(parent, k);
			node_drop(b, p->node[l]);
		} else {
			join(b, parent, left_of(k), fix[l]);
		}
		if (fix[l] == FIX_SHARE)
			break;
	}
}

static void root_lower(struct percu_vec_batch *b)
{
	while (node_level(b->root) > 1 && b->root->nr == 1) {
		struct percu_node *kid = b->root->slot[0];

		node_drop(b, b->root);
		b->root = kid;
	}
}

int tree_remove(struct percu_vec_batch *b, size_t i)
{
	enum fix fix[LEVEL_MAX];
	struct percu_node *leaf;
	struct path p;
	int rc = path_own(b, i, &p);

	if (!rc)
		rc = plan(b, &p, fix);
	if (rc)
		return rc;
	leaf = p.node[0];
	i = p.k[0];
	leaf->total--;
	memmove(&leaf->slot[i], &leaf->slot[i + 1],
		(leaf->total - i) * sizeof(*leaf->slot));
	leaf->slot[leaf->total] = NULL;
	path_add(&p, (uint32_t)-1);
	fix_path(b, &p, fix);
	root_lower(b);
	return 0;
}

/* Keeps the first len slots, one at least: the edge is cut along their end. */
int tree_truncate(struct percu_vec_batch *b, size_t len)
{
	struct percu_node *n;
	struct path p;
	int rc = path_own(b, len - 1, &p);

	if (rc)
		return rc;
	for (uint32_t l = p.level; l; l--) {
		n = p.node[l];
		n->total = len;
		while (n->nr > p.k[l] + 1) {
			node_drop_all(b, n->slot[n->nr - 1]);
			kid_remove(n, n->nr - 1);
		}
		len -= node_starts(n)[p.k[l]];
	}
	n = p.node[0];
	memset(&n->slot[len], 0, (n->total - len) * sizeof(*n->slot));
	n->total = len;
	root_lower(b);
	return 0;
}
