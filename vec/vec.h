/* SPDX-License-Identifier: MIT */
/*
 * vec/vec.h - what the files of this folder share
 *
 * A version of a vector is what hangs from one root: a flat block, or a tree of
 * nodes.  A writer makes the next version in a struct percu_vec_batch, from
 * nodes of its own and from those of the version before, and publishes it with
 * one store of the root; a single edit is a batch of one.
 *
 *	node.c		memory of nodes; flat blocks
 *	tree.c		the way to a slot; inserting and replacing in a tree
 *	join.c		removing from a tree, and keeping it full
 *	build.c		versions made anew: conversions, bulk, squeezing
 *	edit.c		what is done to a version, flat or tree
 *	place.c		edits of the published version in place
 *	publish.c	begin, publish, retire, settle
 *	read.c		what readers call
 *	vec.c		init, destroy, and the edits that can fail
 *	remove.c	removals
 *	batch.c		batches of the caller's
 *	check.c		audit
 *
 * Words
 *	published	reachable from the root that readers load
 *	own		of a node: made by this batch (its stamp), so in no
 *			reader's sight
 *	edge		the nodes on the way to the last slot
 *	hole		a slot in use that holds NULL
 *	gone		objects that leave the vector
 *	spoiled		of a block: readers may look at slots behind its length
 *	owed		a removal found no memory and left a hole
 */
#ifndef PERCU_VEC_VEC_H
#define PERCU_VEC_VEC_H

#include <string.h>

#include <percu/vec.h>

#include "pool/retire.h"
#include "sys/delay.h"
#include "sys/hidden.h"
#include "sys/lock.h"

/*
 * tests/small builds this folder once more, with nodes so small that a few
 * objects make a tree of any shape.
 */
#ifdef PERCU_VEC_SMALL
#define VEC_SIZE(usual, small) (small)
#else
#define VEC_SIZE(usual, small) (usual)
#endif

enum {
	NODE_DEBUG = 1 << 16, /* in level: reads must come to the library */
	NODE_HEAD = sizeof(struct percu_node),
	/* These three are size classes. */
	FLAT_BYTES = VEC_SIZE(8192, NODE_HEAD + 4 * 8),
	FLAT_MAX = (FLAT_BYTES - NODE_HEAD) / sizeof(void *),
	FLAT_MIN = (128 - NODE_HEAD) / sizeof(void *), /* when it grows */
	FLAT_BACK = VEC_SIZE(384, 2), /* slots: a tree becomes flat again */
	LEAF_BYTES = VEC_SIZE(3072, NODE_HEAD + 4 * 8),
	LEAF_MAX = (LEAF_BYTES - NODE_HEAD) / sizeof(void *),
	LEAF_MIN = VEC_SIZE(LEAF_MAX / 4, 2),
	LEAF_JOIN = LEAF_MAX * 3 / 4,
	KIDS_BYTES = VEC_SIZE(1024, NODE_HEAD + 10 * 12),
	KIDS_MAX =
		(KIDS_BYTES - NODE_HEAD) / (sizeof(void *) + sizeof(uint32_t)),
	KIDS_MIN = KIDS_MAX / 4,
	KIDS_JOIN = KIDS_MAX * 3 / 4,
	LEVEL_MAX = VEC_SIZE(
		8, 20), /* KIDS_MIN^6 leaves of LEAF_MIN are over VEC_MAX */
	FEW = VEC_SIZE(512, 4), /* one slot in so many is worth a path each */
	GROUP = 512, /* objects removed at once where there is no memory */
};

#define VEC_MAX ((size_t)UINT32_MAX - 1) /* slots; starts are 32 bits wide */

/* The ways that a writer can go, counted so that tests know which it went. */
enum vec_path {
	VEC_COPY_FLAT, /* a block was copied */
	VEC_COPY_NODE, /* a node of a tree was */
	VEC_IN_PLACE,  /* a store into the published version */
	VEC_NO_MEMORY, /* a removal in place for want of memory */
	VEC_SETTLED,   /* what was owed is done */
	VEC_NR_PATHS
};

/* (l) under the lock, (a) atomic, (c) constant after init */
struct percu_vec_writer {
	struct lock lock;
	struct percu_vec *vec;                  /* (a) NULL: it ends */
	const struct rcu_flavor_struct *flavor; /* (c) */
	struct percu_pool *pool; /* (c) that objects are retired to, or NULL */
	bool own_pool;           /* (c) a release pool, made for it */
	bool in_place;           /* (c) PERCU_VEC_INPLACE */
	bool debug;              /* (c) */
	char name[32];           /* (c) */
	struct retire_origin origin;  /* pool/origin.c's */
	size_t live;                  /* (l) objects */
	size_t least;                 /* (l) slots that were reserved */
	uint64_t stamp;               /* (l) of the last batch */
	uint64_t since;               /* (l) when the block was spoiled */
	bool owed;                    /* (l) */
	uint64_t paths[VEC_NR_PATHS]; /* (l) */
};

/* A test's: called before each store that a reader may see. */
extern void (*vec_step)(const char *where) HIDDEN;

static inline void step(const char *where)
{
	delay_step();
	if (__builtin_expect(vec_step != NULL, 0))
		vec_step(where);
}

/* Nodes. ------------------------------------------------------------------ */

static inline uint32_t node_level(const struct percu_node *n)
{
	return n->level & ~(uint32_t)NODE_DEBUG;
}

/* Where a root's length is: one of the two is 0 as long as the root lives. */
static inline size_t node_len(const struct percu_node *n)
{
	size_t len = percu_node_flat_len(n);

	if (len)
		return len;
	/* Pairs with the release store of node_len_publish(). */
	return __atomic_load_n(&n->total, __ATOMIC_ACQUIRE);
}

static inline size_t *node_len_word(struct percu_node *n)
{
	return n->level ? &n->total : &n->flat_len;
}

/* Of a flat block or a leaf, or of a tree, that no reader can find yet. */
static inline void node_len_set(struct percu_node *n, size_t len)
{
	*node_len_word(n) = len;
}

/* Of a root in place: what was done to its slots before is seen with it. */
static inline void node_len_publish(struct percu_node *n, size_t len)
{
	__atomic_store_n(node_len_word(n), len, __ATOMIC_RELEASE);
}

static inline bool node_own(const struct percu_vec_batch *b,
			    const struct percu_node *n)
{
	return n->stamp == b->stamp;
}

/* In which slot of the version each child begins, less where the node does. */
static inline uint32_t *node_starts(const struct percu_node *n)
{
	return (uint32_t *)(uintptr_t)&n->slot[KIDS_MAX];
}

static inline struct percu_node *node_kid(const struct percu_node *n,
					  uint32_t k)
{
	/* Pairs with the release store of a cut, see vec/place.c. */
	return __atomic_load_n(&n->slot[k], __ATOMIC_ACQUIRE);
}

/*
 * percu_node.extra of a block or a leaf: it is spoiled.  Of a node above: what
 * a slot times 2^-32 is to be multiplied with for a guess at its child; odd
 * where all children but the last are equally long, so that it is a good one.
 */
static inline void node_scale(struct percu_node *n, bool even)
{
	const uint32_t *start = node_starts(n);
	uint64_t scale, of = even && n->nr > 1 ? start[1] : n->total;

	scale = ((uint64_t)(of == n->total ? n->nr : 1) << 32) / (of + !of);
	n->extra = ((uint32_t)scale & ~1u) + (even ? 3 : 0);
}

/*
 * The child that slot i is in: the last one that does not start behind it.
 * Starts behind the last child's are as large as can be, and no slot is.  The
 * guess is right as a rule where children are equally long, and else among the
 * eight next to it, as a rule; where not, all are searched.
 */
static inline uint32_t node_kid_of(const struct percu_node *n, size_t i)
{
	const uint32_t *start = node_starts(n);
	uint32_t k = (uint32_t)((uint64_t)i * n->extra >> 32);
	uint32_t left = 8, half;

	if (n->extra & 1 && k < KIDS_MAX - 1 &&
	    i - start[k] < start[k + 1] - start[k])
		return k;
	k = k > 4 ? k - 4 : 0;
	k = k < KIDS_MAX - 8 ? k : KIDS_MAX - 9;
	if (start[k] > i || start[k + 8] <= i) {
		k = 0;
		left = KIDS_MAX;
	}
	for (; left > 1; left -= half) {
		half = left / 2;
		k += start[k + half] <= i ? half : 0;
	}
	return k;
}

/* node.c */
void slots_copy(void **to, void *const *from, size_t n);
struct percu_node *node_new(struct percu_vec_batch *b, uint32_t level,
			    uint32_t cap);
void node_drop(struct percu_vec_batch *b, struct percu_node *n);
void node_drop_all(struct percu_vec_batch *b, struct percu_node *n);
void node_free_own(struct percu_vec_batch *b, struct percu_node *n);
uint32_t flat_cap(size_t slots);
struct percu_node *flat_new(struct percu_vec_batch *b, uint32_t cap,
			    size_t len);
void **flat_open(struct percu_vec_batch *b, size_t i, size_t n);
int flat_close(struct percu_vec_batch *b, size_t i, size_t n, bool exact);
struct percu_node *flat_own(struct percu_vec_batch *b, uint32_t cap);

/* tree.c */
struct path {
	uint32_t level;                         /* of the root */
	struct percu_node *node[LEVEL_MAX + 1]; /* by level, all own */
	uint32_t k[LEVEL_MAX + 1]; /* the child of each; [0]: the leaf's slot */
};

/* All children of a node, or of two, and how many slots each has. */
struct kids {
	uint32_t n;
	struct percu_node *node[2 * KIDS_MAX];
	uint32_t size[2 * KIDS_MAX];
};

struct percu_node *tree_own_kid(struct percu_vec_batch *b,
				struct percu_node *parent, uint32_t k);
int path_own(struct percu_vec_batch *b, size_t i, struct path *p);
void path_add(struct path *p, uint32_t n);
bool path_on_edge(const struct path *p, uint32_t level);
void kids_load(struct kids *kids, const struct percu_node *n);
void kids_store(const struct kids *kids, uint32_t from, uint32_t to,
		struct percu_node *n);
int tree_insert(struct percu_vec_batch *b, size_t i, void *obj);
int tree_append(struct percu_vec_batch *b, void *const *objs, size_t n);

/* join.c */
int tree_remove(struct percu_vec_batch *b, size_t i);
int tree_truncate(struct percu_vec_batch *b, size_t len);

/* build.c */
enum rebuild {
	REBUILD_EXACT = 1 << 0,   /* without spare capacity */
	REBUILD_SQUEEZE = 1 << 1, /* without holes */
};
int tree_from_flat(struct percu_vec_batch *b);
int flat_from_tree(struct percu_vec_batch *b, size_t len);
int edit_rebuild(struct percu_vec_batch *b, unsigned int how);
int edit_sift(struct percu_vec_batch *b);
int edit_squeeze(struct percu_vec_batch *b);

/* edit.c: 0 or -ENOMEM, and then the version is as it was; slots exist */
int edit_append(struct percu_vec_batch *b, void *const *objs, size_t n);
int edit_insert(struct percu_vec_batch *b, size_t i, void *obj);
int edit_replace(struct percu_vec_batch *b, size_t i, void *obj, void **old);
int edit_remove(struct percu_vec_batch *b, size_t i, void **obj);
int edit_remove_exact(struct percu_vec_batch *b, size_t i, void **obj);
int edit_remove_swap(struct percu_vec_batch *b, size_t i, void **obj);
int edit_truncate(struct percu_vec_batch *b, size_t len);
int edit_reserve(struct percu_vec_batch *b, size_t cap);
int edit_clip(struct percu_vec_batch *b);

/* place.c: stores into the published version */
bool place_append(struct percu_vec_batch *b, void *const *objs, size_t n);
void *place_set(struct percu_vec_batch *b, size_t i, void *obj);
void *place_remove(struct percu_vec_batch *b, size_t i);
void *place_swap(struct percu_vec_batch *b, size_t i);
size_t place_cut(struct percu_vec_batch *b, size_t len, void **objs,
		 size_t max);

/* publish.c */
struct gone_entry {
	void *obj; /* NULL: a hole */
	size_t slot;
	void *site;
};

enum {
	GONE_EACH = (1024 - 16) / sizeof(struct gone_entry)
};

struct percu_vec_gone {
	struct percu_vec_gone *next;
	size_t n;
	struct gone_entry of[GONE_EACH];
};

void edit_abort(struct percu_vec_batch *b);
void edit_publish(struct percu_vec_batch *b);
int vec_enter(struct percu_vec_batch *b, struct percu_vec *v);
void vec_lock(struct percu_vec_batch *b, struct percu_vec *v);
void vec_unlock(struct percu_vec_batch *b, int rc);
void vec_retire(struct percu_vec_batch *b);
int vec_leave(struct percu_vec_batch *b, int rc);
void object_retire(struct percu_vec_writer *w, void *obj, void *site);
size_t range_retire(struct percu_vec_writer *w, const struct percu_node *root,
		    size_t from, size_t to, void *site);
int gone_add(struct percu_vec_batch *b, void *obj, size_t slot, void *site);
void gone_undo(struct percu_vec_batch *b);
void gone_retire(struct percu_vec_batch *b);
void gone_free(struct percu_vec_batch *b);
void vec_check_new(struct percu_vec_batch *b, const void *obj);
void vec_check_bulk(struct percu_vec_batch *b, void *const *objs, size_t n);

/* read.c */
static inline struct percu_view version_all(const struct percu_node *root)
{
	return (struct percu_view){ root, node_len(root) };
}
struct percu_chunk version_chunk(struct percu_view view, size_t i);
void **version_slot(const struct percu_node *root, size_t i);
void *version_get(const struct percu_node *root, size_t i);
long version_find(const struct percu_node *root, const void *obj);

#endif /* PERCU_VEC_VEC_H */
