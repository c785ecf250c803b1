/* SPDX-License-Identifier: MIT */
/*
 * vec/check.c - audit
 *
 * Walks the published version and compares what it finds with what the nodes
 * say of themselves.  The first thing that is wrong is reported, with the
 * index of the slot where it is or from which on it is.
 *
 * Lock: the vector's.
 */
#include <errno.h>

#include "sys/report.h"
#include "vec/vec.h"

/* What the walk knows. */
struct audit {
	const struct percu_vec_writer *w;
	size_t at;   /* slots that it has passed */
	size_t live; /* objects among them */
};

static int wrong(const struct audit *a, const char *what)
{
	report_warn("vec %s: slot %zu: %s", a->w->name, a->at, what);
	return -EUCLEAN;
}

/* The slots of a block or a leaf, and that there is nothing behind them. */
static int check_slots(struct audit *a, const struct percu_node *n, size_t len)
{
	for (size_t i = 0; i < len; i++)
		a->live += n->slot[i] != NULL;
	a->at += len;
	for (size_t i = len; i < n->cap; i++)
		if (n->slot[i])
			return wrong(a, "a slot behind the length "
					"holds a pointer");
	return 0;
}

static int check_flat(struct audit *a, const struct percu_node *n)
{
	size_t len = node_len(n);

	if (n->flat_len && n->total)
		return wrong(a, "a block with two lengths");
	if (a->w->debug && n->flat_len)
		return wrong(a, "a block that readers need no check for");
	if (len > n->cap || n->cap > FLAT_MAX)
		return wrong(a, "a block longer than its capacity");
	return check_slots(a, n, len);
}

/* edge: it ends where the version does.  Empty is the only leaf at most. */
static int check_leaf(struct audit *a, const struct percu_node *n, bool edge)
{
	if (n->flat_len)
		return wrong(a, "a leaf that says it is a block");
	if (n->total > n->cap || n->cap > LEAF_MAX)
		return wrong(a, "a leaf longer than its capacity");
	if (edge ? !n->total && a->at : n->total < LEAF_MIN)
		return wrong(a, "a leaf too empty");
	return check_slots(a, n, n->total);
}

/* What a node says of its children, and of those that it does not have. */
static int check_starts(struct audit *a, const struct percu_node *n)
{
	const uint32_t *start = node_starts(n);

	if (start[0])
		return wrong(a, "a first child that does not begin at 0");
	for (uint32_t k = n->nr; k < KIDS_MAX; k++) {
		if (n->slot[k])
			return wrong(a, "a child behind the last");
		if (start[k] < n->total)
			return wrong(a, "a start behind the last child's");
	}
	return 0;
}

static int check_tree(struct audit *a, const struct percu_node *n,
		      uint32_t level, bool edge)
{
	const uint32_t *start = node_starts(n);
	size_t from = a->at;
	int rc = 0;

	if (node_level(n) != level)
		return wrong(a, "a node on the wrong level");
	if (!level)
		return check_leaf(a, n, edge);
	if (!n->nr || n->nr > KIDS_MAX || (!edge && n->nr < KIDS_MIN))
		return wrong(a, "a node with too few or too many children");
	rc = check_starts(a, n);
	for (uint32_t k = 0; k < n->nr && !rc; k++) {
		if (a->at - from != start[k])
			return wrong(a, "a child that begins elsewhere");
		rc = check_tree(a, node_kid(n, k), level - 1,
				edge && k + 1 == n->nr);
	}
	if (!rc && a->at - from != n->total)
		rc = wrong(a, "a node that does not have what it counts");
	return rc;
}

static int check_root(struct audit *a, const struct percu_node *root)
{
	uint32_t level = node_level(root);
	int rc;

	if (!(root->level & NODE_DEBUG) != !a->w->debug)
		return wrong(a, "a root that readers take for another kind");
	if (level > LEVEL_MAX || (level && root->flat_len))
		return wrong(a, "a root of no kind");
	if (level > 1 && root->nr == 1)
		return wrong(a, "a root with one child");
	rc = level ? check_tree(a, root, level, true) : check_flat(a, root);
	if (!rc && a->live != a->w->live)
		rc = wrong(a, "holes that are not counted");
	return rc;
}

PERCU_API int percu_vec_check(const struct percu_vec *v)
{
	struct percu_vec_writer *w = v->writer;
	struct audit a = { w, 0, 0 };
	int rc;

	lock_take_outer(&w->lock, LOCK_VEC);
	rc = check_root(&a, v->root);
	lock_give_outer(&w->lock);
	return rc;
}
