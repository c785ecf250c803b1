/* SPDX-License-Identifier: MIT */
/*
 * vec/read.c - what readers call
 *
 * The header has what a flat vector needs.  What is here also serves trees,
 * empty vectors and, in debug mode, all reads: each then looks whether its
 * caller is inside a read section.
 *
 * A reader latches the root, then the length; both are loaded once, and all
 * else hangs from them.  A slot below the length that it has latched was
 * written before the length was stored; a node that it gets to was written
 * before the root was.
 */
#include "rcu/readers.h"
#include "sys/report.h"
#include "vec/vec.h"

static __attribute__((noinline, cold)) void
check_reading(const struct percu_node *root, const char *what)
{
	const struct percu_vec_writer *w = root->vec->writer;

	if (!grace_reading(w->flavor))
		report_misuse("vec %s: %s outside of a read section", w->name,
			      what);
	if (!reader_registered(w->flavor))
		report_misuse("vec %s: %s by a thread that is not registered "
			      "with liburcu",
			      w->name, what);
}

static inline void check(const struct percu_node *root, const char *what)
{
	if (__builtin_expect(root->level & NODE_DEBUG, 0))
		check_reading(root, what);
}

/* Of a tree, where the slot exists; NULL: in a child that was cut off. */
static inline void **slot_of(const struct percu_node *n, size_t i)
{
	uint32_t k;

	for (uint32_t l = node_level(n); l && n; l--) {
		k = node_kid_of(n, i);
		i -= node_starts(n)[k];
		n = node_kid(n, k);
	}
	return n ? (void **)(uintptr_t)&n->slot[i] : NULL;
}

void **version_slot(const struct percu_node *root, size_t i)
{
	return slot_of(root, i);
}

void *version_get(const struct percu_node *root, size_t i)
{
	void **slot = slot_of(root, i);

	return slot ? percu_slot_load(slot) : NULL;
}

/* The walk will come to this leaf next: it lies anywhere. */
static inline void leaf_prefetch(const struct percu_node *leaf)
{
	for (uint32_t i = 0; leaf && i < LEAF_BYTES; i += 64)
		__builtin_prefetch((const char *)leaf + i);
}

/*
 * The slots from i on that lie together in memory.  Where a child was cut off
 * there are none: no slot from there to the end of the view holds anything.
 */
struct percu_chunk version_chunk(struct percu_view view, size_t i)
{
	struct percu_chunk c = { .view = view };
	const struct percu_node *n = view.root;
	size_t base = 0, end = view.len;
	uint32_t k;

	for (uint32_t l = node_level(n); l; l--) {
		const uint32_t *start = node_starts(n);

		k = node_kid_of(n, i - base);
		if (k + 1 < KIDS_MAX && base + start[k + 1] < end)
			end = base + start[k + 1];
		c.up = n;
		c.base = base;
		c.k = k;
		base += start[k];
		if (l == 1 && k + 1 < KIDS_MAX)
			leaf_prefetch(node_kid(n, k + 1));
		n = node_kid(n, k);
		if (!n)
			return c;
	}
	c.slot = &n->slot[i - base];
	c.end = end;
	return c;
}

/* It goes down: what is moved meanwhile, in place, is moved down. */
static long block_find(const struct percu_node *root, const void *obj)
{
	for (size_t i = node_len(root); i--;)
		if (percu_slot_load(&root->slot[i]) == obj)
			return (long)i;
	return -1;
}

/* The slot that holds obj, or -1.  With the lock, or while the nodes stay. */
long version_find(const struct percu_node *root, const void *obj)
{
	struct percu_view all = version_all(root);
	struct percu_chunk c;
	size_t i = 0;

	if (!node_level(root))
		return block_find(root, obj);
	while (i < all.len) {
		c = version_chunk(all, i);
		if (!c.slot)
			break; /* the rest is being cut off */
		for (; i < c.end; i++, c.slot++)
			if (percu_slot_load(c.slot) == obj)
				return (long)i;
	}
	return -1;
}

PERCU_API size_t percu_vec_len_slow(const struct percu_vec *v,
				    const struct percu_node *root)
{
	(void)v;
	check(root, "percu_vec_len()");
	return node_len(root);
}

PERCU_API void *percu_vec_get_slow(const struct percu_vec *v,
				   const struct percu_node *root, size_t i)
{
	(void)v;
	check(root, "percu_vec_get()");
	return i < node_len(root) ? version_get(root, i) : NULL;
}

PERCU_API void *percu_view_get_slow(const struct percu_node *root, size_t i)
{
	check(root, "a view is used");
	return version_get(root, i);
}

PERCU_API struct percu_view percu_vec_view(const struct percu_vec *v)
{
	const struct percu_node *root = percu_vec_root(v);

	check(root, "percu_vec_view()");
	return (struct percu_view){ root, node_len(root) };
}

PERCU_API struct percu_chunk percu_chunk_first(struct percu_view view)
{
	struct percu_chunk c = { .view = view };

	percu_chunk_next(&c);
	return c;
}

/*
 * The next leaf, where it has the same parent and is not the last there, whose
 * end its parent does not know.
 */
static bool chunk_beside(struct percu_chunk *c)
{
	const struct percu_node *leaf, *after;
	size_t end;

	if (!c->up || c->k + 2 >= KIDS_MAX)
		return false;
	leaf = node_kid(c->up, c->k + 1);
	after = node_kid(c->up, c->k + 2);
	if (!leaf || !after)
		return false;
	leaf_prefetch(after);
	end = c->base + node_starts(c->up)[c->k + 2];
	c->slot = leaf->slot;
	c->end = end < c->view.len ? end : c->view.len;
	c->k++;
	return true;
}

/* At the end, or where all is cut off, c->end stays, which ends the loop. */
PERCU_API void percu_chunk_next(struct percu_chunk *c)
{
	struct percu_chunk next;

	check(c->view.root, "a view is used");
	if (c->end >= c->view.len || chunk_beside(c))
		return;
	next = version_chunk(c->view, c->end);
	if (next.slot)
		*c = next;
}
