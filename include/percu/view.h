/* SPDX-License-Identifier: MIT */
/*
 * percu/view.h - vectors as their readers see them
 *
 * The reading half of <percu/vec.h>, which includes it; a program includes
 * that.  A reader, inside rcu_read_lock(), loads a root with acquire and then a
 * length with acquire, once each, and all else hangs from these two.  A get of
 * a flat vector is inlined: three loads and a comparison; of a tree, and of an
 * empty vector, a call does it.
 *
 * One load belongs to one moment and the next one to another: who wants a
 * length and the slots below it to belong together makes a view and reads
 * through that.  A view is as long as it was made and never retries, and it
 * ends with its read section.  What it does not hide is in the table of
 * <percu/vec.h>.
 *
 * The layout of the first words of a node and of struct percu_vec is part of
 * the library's binary interface, for readers have it inlined.
 */
#ifndef PERCU_VIEW_H
#define PERCU_VIEW_H

#include <stddef.h>
#include <stdint.h>
#include <percu/compiler.h>

/* A tool that looks at each load must see those of slots. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define PERCU_SANITIZED
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) || \
	__has_feature(memory_sanitizer)
#define PERCU_SANITIZED
#endif
#endif

PERCU_BEGIN_DECLS

/*
 * What a root looks like from the outside.  A flat block holds its slots right
 * here; of a tree's root, and of every root in debug mode, flat_len is 0, and
 * the calls in the library take over.  (r) is read by readers while a writer
 * may store, (c) is constant once a node can be found, (w) is the writers'.
 */
struct percu_node {
	/* private: */
	size_t flat_len;         /* (r) slots in use, where that is not total */
	uint32_t level;          /* (c) 0: slot[] holds objects */
	uint32_t cap;            /* (c) of slot[] */
	size_t total;            /* (r) slots in use here and below */
	uint32_t nr;             /* (w) children */
	uint32_t extra;          /* what vec/vec.h says, by level */
	uint64_t stamp;          /* (w) the batch that made it */
	struct percu_node *next; /* (w) in a list of nodes to retire */
	struct percu_vec *vec;   /* (c) whose it is */
#ifndef __cplusplus   /* has no such arrays; percu_node_get() finds them */
	void *slot[]; /* (r) */
#endif
};

/* A vector, to be embedded: see percu_vec_init(). */
struct percu_vec {
	/* private: */
	struct percu_node *root;         /* (r) never NULL */
	struct percu_vec_writer *writer; /* (c) all that readers do not need */
};

/**
 * struct percu_view - a vector as it is at one moment
 *
 * Valid until the end of the read section that it was made in.  Two words;
 * pass it by value.
 */
struct percu_view {
	/* private: */
	const struct percu_node *root;
	size_t len;
};

/* private: what the inline functions fall back on */
PERCU_API size_t percu_vec_len_slow(const struct percu_vec *v,
				    const struct percu_node *root);
PERCU_API void *percu_vec_get_slow(const struct percu_vec *v,
				   const struct percu_node *root, size_t i);
PERCU_API void *percu_view_get_slow(const struct percu_node *root, size_t i);

static inline const struct percu_node *percu_vec_root(const struct percu_vec *v)
{
	/* Pairs with the release store of whoever publishes a root. */
	return __atomic_load_n(&v->root, __ATOMIC_ACQUIRE);
}

static inline size_t percu_node_flat_len(const struct percu_node *n)
{
	/* Pairs with the release store of an append: its slot is written. */
	return __atomic_load_n(&n->flat_len, __ATOMIC_ACQUIRE);
}

/*
 * Pairs with the release store of whoever put the object there.  What is read
 * through the pointer depends on this load, which is order enough on any
 * machine that Linux runs on.  gcc does not fold the address of an atomic or a
 * volatile load into its instruction, which is a third of a get.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(PERCU_SANITIZED)
#define PERCU_SLOT_LOAD(slot)                           \
	__extension__({                                 \
		void *percu_obj_;                       \
                                                        \
		__asm__ __volatile__("mov %1, %0"       \
				     : "=r"(percu_obj_) \
				     : "m"(slot));      \
		percu_obj_;                             \
	})
#else
#define PERCU_SLOT_LOAD(slot) __atomic_load_n(&(slot), __ATOMIC_ACQUIRE)
#endif

static inline void *percu_slot_load(void *const *slot)
{
	return PERCU_SLOT_LOAD(*slot);
}

static inline void *percu_node_get(const struct percu_node *n, size_t i)
{
#ifdef __cplusplus
	return percu_slot_load((void *const *)(n + 1) + i);
#else
	return PERCU_SLOT_LOAD(n->slot[i]);
#endif
}
/* public: */

/**
 * percu_vec_len() - how many slots are in use
 * @v: the vector
 *
 * Holes count.  The next call may say something else: to use it as a bound,
 * make a view.
 *
 * Context: a read section.
 */
static inline PERCU_NONNULL(1) size_t percu_vec_len(const struct percu_vec *v)
{
	const struct percu_node *root = percu_vec_root(v);
	size_t len = percu_node_flat_len(root);

	return __builtin_expect(len != 0, 1) ? len :
					       percu_vec_len_slow(v, root);
}

/**
 * percu_vec_get() - the object in a slot
 * @v: the vector
 * @i: the slot's index
 *
 * Context: a read section, until whose end the object is not released.
 * Return: the object; NULL if @i is out of range, or a hole.
 */
static inline PERCU_NONNULL(1) void *percu_vec_get(const struct percu_vec *v,
						   size_t i)
{
	const struct percu_node *root = percu_vec_root(v);

	if (__builtin_expect(i < percu_node_flat_len(root), 1))
		return percu_node_get(root, i);
	return percu_vec_get_slow(v, root, i);
}

/**
 * percu_vec_view() - latch the vector as it is
 * @v: the vector
 *
 * All that is read through the view belongs together: its length does not
 * change, and neither does what its slots hold but for the removals in place
 * that the head of this file names.
 *
 * Context: a read section.
 */
PERCU_API PERCU_NONNULL(1) struct percu_view
	percu_vec_view(const struct percu_vec *v);

/**
 * percu_view_len() - how many slots a view has, holes among them
 * @view: the view
 *
 * Context: the read section that the view was made in.
 */
static inline size_t percu_view_len(struct percu_view view)
{
	return view.len;
}

/**
 * percu_view_get() - the object in a slot of a view
 * @view: the view
 * @i: the slot's index
 *
 * Context: the read section that the view was made in.
 * Return: the object; NULL if @i is out of range, or a hole.
 */
static inline void *percu_view_get(struct percu_view view, size_t i)
{
	if (__builtin_expect(i >= view.len, 0))
		return NULL;
	if (__builtin_expect(view.root->level == 0, 1))
		return percu_node_get(view.root, i);
	return percu_view_get_slow(view.root, i);
}

/* private: the slots of a view up to end that lie together in memory */
struct percu_chunk {
	struct percu_view view;
	void *const *slot; /* the first of them */
	size_t end;
	const struct percu_node *up; /* whose k-th child they are, or NULL */
	size_t base;                 /* where up begins */
	uint32_t k;
};

PERCU_API struct percu_chunk percu_chunk_first(struct percu_view view);
PERCU_API void percu_chunk_next(struct percu_chunk *c);

#define PERCU_PASTE_(a, b) a##b
#define PERCU_PASTE(a, b)  PERCU_PASTE_(a, b)
/*
 * The outer loop goes from chunk to chunk, the inner one through a chunk, with
 * variables that nothing points to.  A break leaves the inner one with i < end,
 * and then the outer one ends too.
 */
#define PERCU_FOR_EACH_(c, view_, i, obj)                                 \
	for (struct percu_chunk c = ((i) = 0, percu_chunk_first(view_));  \
	     (i) < c.end;                                                 \
	     (i) < c.end ? (void)(c.end = 0) : percu_chunk_next(&c))      \
		for (void *const *c##_at = c.slot, *const *c##_end =      \
							   c.slot +       \
							   (c.end - (i)); \
		     c##_at < c##_end; c##_at++, (i)++)                   \
			if (!((obj) = (__typeof__(obj))percu_slot_load(   \
				      c##_at))) {                         \
			} else
#define PERCU_FOR_EACH(c, view, i, obj) PERCU_FOR_EACH_(c, view, i, obj)
/* public: */

/**
 * percu_view_for_each() - go through a view, from slot 0 up; skip holes
 * @view: the view
 * @i: a size_t variable: the slot's index
 * @obj: a pointer variable: the object
 *
 * break and continue do what they do in any loop.
 *
 * Context: the read section that the view was made in.
 */
#define percu_view_for_each(view, i, obj) \
	PERCU_FOR_EACH(PERCU_PASTE(percu_chunk_, __COUNTER__), view, i, obj)

/**
 * percu_vec_for_each() - go through a view of a vector that is made for it
 * @v: the vector
 * @i: a size_t variable: the slot's index
 * @obj: a pointer variable: the object
 *
 * Context: a read section.
 */
#define percu_vec_for_each(v, i, obj) \
	percu_view_for_each (percu_vec_view(v), i, obj)

PERCU_END_DECLS

#endif /* PERCU_VIEW_H */
