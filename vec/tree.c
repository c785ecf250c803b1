/* SPDX-License-Identifier: MIT */
/*
 * vec/tree.c - the way to a slot, inserting, appending
 *
 * A tree is a counted B+ tree.  Its leaves, on level 0, hold objects; a node
 * above holds its children and, for each, at which of its own slots the child
 * begins.  How many slots the last child has follows from the length of the
 * whole, and so an append into the last leaf changes no node on the way to it
 * that a reader looks at.
 *
 * An edit makes the nodes on its way its own, from the root down, and links
 * each copy to its parent's copy: this changes nothing that the version holds,
 * and if it ends half-way for want of memory, the version is as good as it
 * was.  Then it gets the nodes that it will need, and from there on it cannot
 * fail.
 *
 * Invariants, but for nodes on the edge, of which no more is asked than that
 * they are not empty: a leaf has LEAF_MIN .. LEAF_MAX slots, a node above
 * KIDS_MIN .. KIDS_MAX children.  The starts of children that a node does not
 * have are UINT32_MAX, their slots NULL.
 *
 * Words
 *	path	own nodes from the root to a slot
 *	start	where a child begins
 *	kids	a node's children, taken out to be dealt anew
 *	spare	a node that a split will need
 */
#include <errno.h>
#include <string.h>

#include <percu/alloc.h>

#include "vec/vec.h"

static void pad(struct percu_node *n)
{
	uint32_t rest = KIDS_MAX - n->nr;

	memset(&n->slot[n->nr], 0, rest * sizeof(*n->slot));
	memset(&node_starts(n)[n->nr], 0xff, rest * sizeof(uint32_t));
}

/* A copy that is the batch's own. */
static struct percu_node *copy(struct percu_vec_batch *b,
			       const struct percu_node *old)
{
	uint32_t level = node_level(old);
	struct percu_node *n = node_new(b, level, level ? KIDS_MAX : LEAF_MAX);
	uint32_t used = level ? old->nr : (uint32_t)old->total;

	if (!n)
		return NULL;
	n->total = old->total;
	n->nr = old->nr;
	slots_copy(n->slot, old->slot, used);
	if (level) {
		n->extra = old->extra;
		memcpy(node_starts(n), node_starts(old),
		       used * sizeof(uint32_t));
		pad(n);
	} else {
		memset(&n->slot[used], 0, (LEAF_MAX - used) * sizeof(*n->slot));
	}
	b->vec->writer->paths[VEC_COPY_NODE]++;
	return n;
}

/* The k-th child of an own node, or the root (parent NULL), as an own node. */
struct percu_node *tree_own_kid(struct percu_vec_batch *b,
				struct percu_node *parent, uint32_t k)
{
	struct percu_node *old = parent ? parent->slot[k] : b->root, *n;

	if (node_own(b, old))
		return old;
	n = copy(b, old);
	if (!n)
		return NULL;
	if (parent)
		parent->slot[k] = n;
	else
		b->root = n;
	node_drop(b, old);
	return n;
}

/* The path to slot i; to i = length, the end of the last leaf. */
int path_own(struct percu_vec_batch *b, size_t i, struct path *p)
{
	struct percu_node *n = tree_own_kid(b, NULL, 0);
	uint32_t k;

	if (!n)
		return -ENOMEM;
	p->level = node_level(n);
	for (uint32_t l = p->level;; l--) {
		p->node[l] = n;
		if (!l)
			break;
		k = node_kid_of(n, i);
		p->k[l] = k;
		i -= node_starts(n)[k];
		n = tree_own_kid(b, n, k);
		if (!n)
			return -ENOMEM;
	}
	p->k[0] = (uint32_t)i;
	return 0;
}

/* The leaf of the path has n more slots; it may be a negative number. */
void path_add(struct path *p, uint32_t n)
{
	for (uint32_t l = 1; l <= p->level; l++) {
		struct percu_node *node = p->node[l];
		uint32_t *start = node_starts(node);

		for (uint32_t k = p->k[l] + 1; k < node->nr; k++)
			start[k] += n;
		node->total += (size_t)(int32_t)n;
		if (p->k[l] + 1 < node->nr)
			node_scale(node, false);
	}
}

/* Is there nothing to the right of the path's node on this level? */
bool path_on_edge(const struct path *p, uint32_t level)
{
	for (uint32_t l = level + 1; l <= p->level; l++)
		if (p->k[l] + 1 != p->node[l]->nr)
			return false;
	return true;
}

/* Appends them to those that there are already. */
void kids_load(struct kids *kids, const struct percu_node *n)
{
	const uint32_t *start = node_starts(n);
	uint32_t to = kids->n;

	for (uint32_t k = 0; k < n->nr; k++) {
		size_t end = k + 1 < n->nr ? start[k + 1] : n->total;

		kids->node[to + k] = n->slot[k];
		kids->size[to + k] = (uint32_t)end - start[k];
	}
	kids->n += n->nr;
}

/* The children from .. to - 1 become those of n, and no others. */
void kids_store(const struct kids *kids, uint32_t from, uint32_t to,
		struct percu_node *n)
{
	uint32_t *start = node_starts(n);
	uint32_t total = 0, first = kids->size[from];
	bool even = true;

	n->nr = to - from;
	for (uint32_t k = 0; k < n->nr; k++) {
		n->slot[k] = kids->node[from + k];
		start[k] = total;
		total += kids->size[from + k];
		even &= k + 1 == n->nr || kids->size[from + k] == first;
	}
	n->total = total;
	pad(n);
	node_scale(n, even);
}

/* Inserting. -------------------------------------------------------------- */

struct spares {
	uint32_t n;
	struct percu_node *node[LEVEL_MAX + 1]; /* by level */
};

/* A node beside each of the path that has to be split; perhaps a new root. */
static int spares_get(struct percu_vec_batch *b, const struct path *p,
		      struct spares *s)
{
	uint32_t need = 1;

	while (need <= p->level && p->node[need]->nr == KIDS_MAX)
		need++;
	need += need > p->level;
	for (s->n = 0; s->n < need; s->n++) {
		struct percu_node **n = &s->node[s->n];

		*n = node_new(b, s->n, s->n ? KIDS_MAX : LEAF_MAX);
		if (!*n) {
			while (s->n)
				percu_free(s->node[--s->n]);
			return -ENOMEM;
		}
	}
	return 0;
}

static void leaf_put(struct percu_node *leaf, size_t i, void *obj)
{
	memmove(&leaf->slot[i + 1], &leaf->slot[i],
		(leaf->total - i) * sizeof(*leaf->slot));
	leaf->slot[i] = obj;
	leaf->total++;
}

/* A full leaf becomes two; at the very end only the object goes to the new. */
static void leaf_split(struct percu_node *leaf, struct percu_node *right,
		       size_t i, void *obj, bool at_end)
{
	size_t cut = at_end ? LEAF_MAX : LEAF_MAX / 2;
	size_t rest = LEAF_MAX - cut;

	memcpy(right->slot, &leaf->slot[cut], rest * sizeof(*leaf->slot));
	memset(&right->slot[rest], 0, cut * sizeof(*leaf->slot));
	memset(&leaf->slot[cut], 0, rest * sizeof(*leaf->slot));
	leaf->total = cut;
	right->total = rest;
	if (i < cut)
		leaf_put(leaf, i, obj);
	else
		leaf_put(right, i - cut, obj);
}

/*
 * Child k of n was split, and right is its right half: what n is to be split
 * into itself, if it must, is n and spare.  Says whether it was.
 */
static bool kid_add(struct percu_node *n, uint32_t k, struct percu_node *right,
		    struct percu_node *spare, bool at_end)
{
	struct kids kids;
	uint32_t after, cut;

	kids.n = 0;
	kids_load(&kids, n);
	after = kids.n++ - k - 1;
	memmove(&kids.node[k + 2], &kids.node[k + 1],
		after * sizeof(*kids.node));
	memmove(&kids.size[k + 2], &kids.size[k + 1],
		after * sizeof(*kids.size));
	kids.node[k + 1] = right;
	kids.size[k + 1] = (uint32_t)right->total;
	kids.size[k] -= kids.size[k + 1];
	if (kids.n <= KIDS_MAX) {
		kids_store(&kids, 0, kids.n, n);
		return false;
	}
	cut = at_end ? KIDS_MAX : kids.n / 2;
	kids_store(&kids, 0, cut, n);
	kids_store(&kids, cut, kids.n, spare);
	return true;
}

static void split(struct percu_vec_batch *b, struct path *p, struct spares *s,
		  void *obj, bool at_end)
{
	struct percu_node *right = s->node[0], *root;
	uint32_t l;

	leaf_split(p->node[0], right, p->k[0], obj, at_end);
	for (l = 1; l <= p->level; l++) {
		if (!kid_add(p->node[l], p->k[l], right, s->node[l], at_end))
			return;
		right = s->node[l];
	}
	root = s->node[l];
	kids_store(&(struct kids){ .n = 2,
				   .node = { b->root, right },
				   .size = { (uint32_t)b->root->total,
					     (uint32_t)right->total } },
		   0, 2, root);
	b->root = root;
}

int tree_insert(struct percu_vec_batch *b, size_t i, void *obj)
{
	bool at_end = i == b->root->total;
	struct spares s = { 0 };
	struct path p;
	int rc = path_own(b, i, &p);

	if (rc)
		return rc;
	if (p.node[0]->total < LEAF_MAX) {
		path_add(&p, 1);
		leaf_put(p.node[0], p.k[0], obj);
		return 0;
	}
	rc = spares_get(b, &p, &s);
	if (rc)
		return rc;
	path_add(&p, 1);
	split(b, &p, &s, obj, at_end);
	return 0;
}

/*
 * At the end, leaf by leaf, each filled up.  Where memory ends in between, some
 * are in: it is for versions that are dropped then.
 */
int tree_append(struct percu_vec_batch *b, void *const *objs, size_t n)
{
	struct percu_node *leaf;
	struct path p;
	size_t room;
	int rc;

	while (n) {
		rc = path_own(b, b->root->total, &p);
		if (rc)
			return rc;
		leaf = p.node[0];
		room = LEAF_MAX - leaf->total;
		if (!room) {
			rc = tree_insert(b, b->root->total, (void *)*objs);
			if (rc)
				return rc;
			room = 1;
		} else {
			room = room < n ? room : n;
			memcpy(&leaf->slot[leaf->total], objs,
			       room * sizeof(*objs));
			leaf->total += room;
			path_add(&p, (uint32_t)room);
		}
		objs += room;
		n -= room;
	}
	return 0;
}
