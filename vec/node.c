/* SPDX-License-Identifier: MIT */
/*
 * vec/node.c - memory of nodes, and blocks that are copied whole
 *
 * A node comes from the size classes.  While it is a batch's own (its stamp)
 * no reader knows it: it is edited in place and given back at once.  A node
 * that is published is copied instead, and waits in the batch's list until the
 * copy is published; then it is retired.
 *
 * A flat block holds up to FLAT_MAX slots.  Opening or closing a gap in a
 * published one is one pass: what is in front of it and what is behind it are
 * copied to where they belong.  Slots behind the length are NULL in every
 * block, always.
 *
 * Words: open, close: make room for slots, or take slots out.
 */
#include <errno.h>
#include <string.h>

#include <percu/alloc.h>

#include "vec/vec.h"

/*
 * Nodes lie at like offsets of their pages, and where target and source are
 * close in their lower 12 bits, as when a slot is inserted, one "rep movs" is
 * several times as slow as memcpy() is for short pieces.  The compiler must not
 * know how long they are, or it makes a "rep movs" of each.
 */
void slots_copy(void **to, void *const *from, size_t n)
{
	size_t most = 256;

	__asm__("" : "+r"(most));
	for (; n > most; n -= most, to += most, from += most)
		memcpy(to, from, most * sizeof(*to));
	memcpy(to, from, n * sizeof(*to));
}

struct percu_node *node_new(struct percu_vec_batch *b, uint32_t level,
			    uint32_t cap)
{
	size_t each = sizeof(void *) + (level ? sizeof(uint32_t) : 0);
	struct percu_node *n = percu_alloc(NODE_HEAD + cap * each);

	if (!n)
		return NULL;
	*n = (struct percu_node){
		.level = level | (b->vec->writer->debug ? NODE_DEBUG : 0),
		.cap = cap,
		.stamp = b->stamp,
		.vec = b->vec,
	};
	return n;
}

/* The version in the making does without this node. */
void node_drop(struct percu_vec_batch *b, struct percu_node *n)
{
	if (node_own(b, n)) {
		percu_free(n);
		return;
	}
	n->next = b->replaced;
	b->replaced = n;
}

/* Without this node and all below it. */
void node_drop_all(struct percu_vec_batch *b, struct percu_node *n)
{
	for (uint32_t k = 0; node_level(n) && k < n->nr; k++)
		node_drop_all(b, node_kid(n, k));
	node_drop(b, n);
}

/* The batch's own nodes of this version; above an own node all are own. */
void node_free_own(struct percu_vec_batch *b, struct percu_node *n)
{
	if (!node_own(b, n))
		return;
	for (uint32_t k = 0; node_level(n) && k < n->nr; k++)
		node_free_own(b, node_kid(n, k));
	percu_free(n);
}

/* Flat blocks. ------------------------------------------------------------ */

/* As many slots as the block has room for that so many ask for. */
uint32_t flat_cap(size_t slots)
{
	size_t bytes = percu_good_size(NODE_HEAD + slots * sizeof(void *));
	size_t cap = (bytes - NODE_HEAD) / sizeof(void *);

	return (uint32_t)(cap < FLAT_MAX ? cap : FLAT_MAX);
}

/* A block whose first len slots are the caller's to fill. */
struct percu_node *flat_new(struct percu_vec_batch *b, uint32_t cap, size_t len)
{
	struct percu_node *n = node_new(b, 0, cap);

	if (!n)
		return NULL;
	memset(&n->slot[len], 0, (cap - len) * sizeof(*n->slot));
	node_len_set(n, len);
	b->vec->writer->paths[VEC_COPY_FLAT]++;
	return n;
}

static void flat_turn(struct percu_vec_batch *b, struct percu_node *to)
{
	node_drop(b, b->root);
	b->root = to;
}

/* Of a block that has to hold len slots and had cap before. */
static uint32_t cap_for(const struct percu_vec_batch *b, size_t len, size_t cap)
{
	size_t least = b->vec->writer->least;

	if (len > cap) {
		cap = 2 * cap > len ? 2 * cap : len;
		cap = cap > FLAT_MIN ? cap : FLAT_MIN;
		return flat_cap(cap < FLAT_MAX ? cap : FLAT_MAX);
	}
	if (len < cap / 4 && cap > FLAT_MIN && cap > least) {
		cap = 2 * len > least ? 2 * len : least;
		return flat_cap(cap);
	}
	return (uint32_t)cap;
}

/*
 * Makes room for n slots in front of slot i, in a block of the batch's own:
 * where they are, for the caller to fill, or NULL without memory.
 */
void **flat_open(struct percu_vec_batch *b, size_t i, size_t n)
{
	struct percu_node *old = b->root, *to;
	size_t len = node_len(old);

	if (node_own(b, old) && len + n <= old->cap) {
		memmove(&old->slot[i + n], &old->slot[i],
			(len - i) * sizeof(void *));
		node_len_set(old, len + n);
		return &old->slot[i];
	}
	to = flat_new(b, cap_for(b, len + n, old->cap), len + n);
	if (!to)
		return NULL;
	slots_copy(to->slot, old->slot, i);
	slots_copy(&to->slot[i + n], &old->slot[i], len - i);
	flat_turn(b, to);
	return &to->slot[i];
}

/* Takes n slots out from slot i on.  exact: the block has no room for more. */
int flat_close(struct percu_vec_batch *b, size_t i, size_t n, bool exact)
{
	struct percu_node *old = b->root, *to;
	size_t left = node_len(old) - n;
	uint32_t cap = exact ? (uint32_t)left : cap_for(b, left, old->cap);

	if (node_own(b, old) && !exact) {
		memmove(&old->slot[i], &old->slot[i + n],
			(left - i) * sizeof(void *));
		memset(&old->slot[left], 0, n * sizeof(void *));
		node_len_set(old, left);
		return 0;
	}
	to = flat_new(b, cap, left);
	if (!to)
		return -ENOMEM;
	slots_copy(to->slot, old->slot, i);
	slots_copy(&to->slot[i], &old->slot[i + n], left - i);
	flat_turn(b, to);
	return 0;
}

/* The root as a block of the batch's own, of at least so many slots. */
struct percu_node *flat_own(struct percu_vec_batch *b, uint32_t cap)
{
	struct percu_node *old = b->root, *to;
	size_t len = node_len(old);

	if (node_own(b, old) && old->cap >= cap)
		return old;
	to = flat_new(b, cap > old->cap ? cap : old->cap, len);
	if (!to)
		return NULL;
	slots_copy(to->slot, old->slot, len);
	flat_turn(b, to);
	return to;
}
