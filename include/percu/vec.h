/* SPDX-License-Identifier: MIT */
/*
 * percu/vec.h - vectors of pointers that are read without locks
 *
 * What a slice under a lock is to a Go program: an ordered sequence of
 * pointers, read by any number of threads inside rcu_read_lock() while others
 * insert and remove.  A reader loads one pointer and then indexes; it never
 * waits, retries or writes.  A writer never waits for readers: it changes a
 * copy and publishes it, and what it took out is released after a grace
 * period.  After any removal no slot that lies behind the length holds a
 * pointer, and nothing that was removed stays reachable through the vector.
 *
 * A small vector is one flat block; a large one is a counted B+ tree of which
 * an edit copies one path.  Readers see no difference but time: a get costs a
 * step a level, an insert or removal anywhere costs the logarithm of the
 * length.
 *
 * Best for: tables that are read much more often than changed (backends,
 * listeners, routes, sessions in order), at any length.
 *
 * Not for: look-up by key (liburcu's hash table is for that); a queue; a
 * vector that every request changes: writers of one vector take turns.
 *
 * What a reader under way sees of a change depends on how it is made:
 *
 *                      by copy           remove_nil,  remove_swap,     replace,
 *                                        in place     in place         in place
 *  a view is           a snapshot        all but i is not one          all but i is
 *  who stays is missed no                no           (3)              no
 *  and seen twice      no                no           maybe            no
 *  holes seen          those it has      i, maybe     the last, maybe  no
 *  order               kept (1)          kept         not kept         kept
 *  other indices       shift, later      stay         the last takes i stay
 *  takes effect at     root store        slot store   length store     slot store
 *  held for a grace    old block or      object       object           old object
 *   period             path, object
 *  can fail            no; to insert (2) no           no               no
 *
 * (1) not by remove_swap.  (2) -ENOMEM or -EAGAIN, and nothing has changed.
 * (3) by a reader that goes from the highest index down, no; going up, maybe.
 * Removals do not fail: where there is no memory for a copy they clear the
 * slot in place, as remove_nil does, and the next change squeezes the hole
 * out.  All is by copy but for remove_nil and, with PERCU_VEC_INPLACE and as
 * long as the vector is flat, remove_swap and replace.
 * Documentation/vectors.md says it in full.
 */
#ifndef PERCU_VEC_H
#define PERCU_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <percu/compiler.h>
#include <percu/flavor.h>
#include <percu/view.h>

PERCU_BEGIN_DECLS

struct percu_pool;
struct percu_vec_gone;

/**
 * enum percu_vec_flags - percu_vec_attr.flags
 * @PERCU_VEC_INPLACE: percu_vec_remove_swap() and percu_vec_replace() change
 *	the block that readers look at: no copy, but a view is no snapshot.  A
 *	reader that goes from the highest index down never misses an element
 *	that stays in the vector, but may see it twice; one that goes up may
 *	miss it.  A vector that has become a tree copies all the same.
 */
enum percu_vec_flags {
	PERCU_VEC_INPLACE = 1 << 0,
};

/**
 * struct percu_vec_attr - what percu_vec_init() makes
 * @name: shown in statistics and reports; copied, at most 31 bytes of it
 * @capacity: slots to have from the start; 0 for none
 * @release: called with each object that was removed, after a grace period,
 *	by percu's reclaiming thread and outside of its locks: it may allocate,
 *	retire, and edit any vector, but not wait for a grace period
 * @arg: passed to @release
 * @size: with @release: bytes of an object, for the marks of deferred memory;
 *	0 counts 1 KiB for each
 * @pool: or: removed objects are put into this pool after a grace period
 * @flags: of enum percu_vec_flags
 *
 * With neither @release nor @pool the objects are the caller's.  With one of
 * them, an object must not be in more than one slot, for it is released when
 * it leaves one; debug mode checks this at each insert.
 */
struct percu_vec_attr {
	const char *name;
	size_t capacity;
	void (*release)(void *obj, void *arg);
	void *arg;
	size_t size;
	struct percu_pool *pool;
	unsigned int flags;
};

/**
 * percu_vec_init() - make a vector
 * @v: the memory for it: two words, in a struct of the caller's as a rule,
 *	which must not be moved or copied while they are in use
 * @attr: what it is to be, or NULL for no options; not kept
 *
 * Its readers are those of the flavor in scope (see <percu/flavor.h>).
 *
 * Context: any thread.  Takes locks.
 * Return: 0; -EINVAL (both @release and @pool, or unknown flags); -ENOMEM.
 */
#define percu_vec_init(v, ...) \
	percu_vec_init_flavor(v, (__VA_ARGS__), &rcu_flavor)

/**
 * percu_vec_init_flavor() - percu_vec_init() for readers of a given flavor
 * @v: as percu_vec_init()
 * @attr: as percu_vec_init()
 * @flavor: liburcu's, such as &urcu_memb_flavor; lives as long as the program
 *
 * Context, Return: as percu_vec_init().
 */
PERCU_API PERCU_MUST_CHECK PERCU_NONNULL(1, 3) int percu_vec_init_flavor(
	struct percu_vec *v, const struct percu_vec_attr *attr,
	const struct rcu_flavor_struct *flavor);

/**
 * percu_vec_destroy() - end a vector
 * @v: the vector; no reader can find it any more, and no writer uses it
 *
 * Releases what is left in it and waits until this and all that was removed
 * before is released.  Readers under way are waited for.
 *
 * Context: as percu_pool_barrier(): outside of read sections of its flavor, and
 * not from a release callback; either is misuse.
 */
PERCU_API PERCU_NONNULL(1) void percu_vec_destroy(struct percu_vec *v);

/**
 * DOC: Writers: serialised inside, never block readers
 *
 * Each of these takes the vector's lock; what it publishes readers see at one
 * store, which is its linearisation point.  What it removes is retired after
 * that.  It may be called inside a read section.  Unless said otherwise it
 * returns 0; -ERANGE if an index is beyond the length, -EINVAL for a NULL
 * object, -ENOMEM, and -EAGAIN above the hard mark of deferred memory where it
 * may not wait; and when it fails the vector is as it was.  Removals need no
 * memory and fail with -ERANGE only.
 */

/**
 * percu_vec_append() - add an object at the end
 * @v: the vector
 * @obj: the object, the vector's from then on
 *
 * In place where the block has a slot that no reader has seen.
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_append(struct percu_vec *v, void *obj);

/**
 * percu_vec_append_bulk() - add objects at the end, in one publication
 * @v: the vector
 * @objs: the objects, none of them NULL
 * @n: how many
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_append_bulk(struct percu_vec *v,
						     void *const *objs,
						     size_t n);

/**
 * percu_vec_insert() - put an object before the one in slot @i
 * @v: the vector
 * @i: 0 .. length
 * @obj: the object, the vector's from then on
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_insert(struct percu_vec *v, size_t i,
						void *obj);

/**
 * percu_vec_replace() - put another object into slot @i
 * @v: the vector
 * @i: 0 .. length - 1; may be a hole
 * @obj: the object, the vector's from then on
 *
 * The object that was there is released.
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_replace(struct percu_vec *v, size_t i,
						 void *obj);

/**
 * percu_vec_remove() - remove slot @i; copy and truncate, order kept
 * @v: the vector
 * @i: 0 .. length - 1
 *
 * The removal to use where nothing speaks for another.
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_remove(struct percu_vec *v, size_t i);

/**
 * percu_vec_remove_nil() - clear slot @i; explicit nil, all indices stay
 * @v: the vector
 * @i: 0 .. length - 1; a hole is left as it is
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_remove_nil(struct percu_vec *v,
						    size_t i);

/**
 * percu_vec_remove_exact() - remove slot @i and all spare capacity
 * @v: the vector
 * @i: 0 .. length - 1
 *
 * Forced reallocation: the vector then has room for what it holds and no more.
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_remove_exact(struct percu_vec *v,
						      size_t i);

/**
 * percu_vec_remove_swap() - move the last element to slot @i; swap and pop
 * @v: the vector
 * @i: 0 .. length - 1
 *
 * Order is not kept.  In a copy; in place with PERCU_VEC_INPLACE.
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_remove_swap(struct percu_vec *v,
						     size_t i);

/**
 * percu_vec_remove_if() - remove all objects that a predicate names
 * @v: the vector
 * @pred: called once for each object, in order, under the vector's lock: it
 *	must not edit this vector
 * @arg: passed to @pred
 *
 * One publication.  Holes are squeezed out as well.  Where there is no memory
 * even for a list of the objects, the lock is given and taken again after some
 * of them, and other writers may come between.
 *
 * Return: how many objects were removed.
 */
PERCU_API PERCU_NONNULL(1, 2) ssize_t
	percu_vec_remove_if(struct percu_vec *v,
			    bool (*pred)(void *obj, void *arg), void *arg);

/**
 * percu_vec_take() - remove slot @i and hand its object to the caller
 * @v: the vector
 * @i: 0 .. length - 1
 *
 * An ordered removal, as percu_vec_remove().  Readers may still look at the
 * object: the caller must retire it, or wait for a grace period, before it is
 * freed or used again.
 *
 * Return: the object; NULL with errno ERANGE, or ENOENT for a hole, which
 * then is gone.
 */
PERCU_API PERCU_MUST_CHECK
	PERCU_NONNULL(1) void *percu_vec_take(struct percu_vec *v, size_t i);

/**
 * percu_vec_truncate() - remove all slots from @len on
 * @v: the vector
 * @len: 0 .. length
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_truncate(struct percu_vec *v,
						  size_t len);

/**
 * percu_vec_reserve() - have room for @cap slots in all
 * @v: the vector
 * @cap: slots
 *
 * A vector that is to be a tree has room as it grows, and this only checks
 * that @cap is possible.
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_reserve(struct percu_vec *v,
						 size_t cap);

/**
 * percu_vec_clip() - give up spare capacity
 * @v: the vector
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_clip(struct percu_vec *v);

/**
 * percu_vec_compact() - squeeze the holes out
 * @v: the vector
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_compact(struct percu_vec *v);

/**
 * DOC: Batches: many edits, one publication
 *
 * Each edit sees what the edits before it in the batch have done.  It returns
 * what the edit of the vector by that name returns, but that a removal can fail
 * with -ENOMEM too; a failed edit leaves the batch as it was, and it can go on.
 */

/**
 * struct percu_vec_batch - edits that readers see all at once, or never
 *
 * On the caller's stack.  From begin to commit or abort the batch has the
 * vector's lock: other writers wait, and this thread may edit the vector
 * through the batch alone, and must not wait for a grace period.  An object
 * that a batch has removed is released after the commit, and so must not be
 * inserted again.
 */
struct percu_vec_batch {
	/* private: */
	struct percu_vec *vec;
	struct percu_node *root;     /* of the version in the making */
	struct percu_node *replaced; /* published nodes that it does without */
	uint64_t stamp;              /* nodes of this stamp are its own */
	size_t live;
	struct percu_vec_gone *gone, *gone_last; /* to retire at its end */
	bool owed;                               /* from before it began */
};

/**
 * percu_vec_batch_begin() - start a batch
 * @b: the memory for it
 * @v: the vector
 *
 * Return: 0; -EAGAIN, and then there is no batch.
 */
PERCU_API PERCU_MUST_CHECK
	PERCU_NONNULL(1, 2) int percu_vec_batch_begin(struct percu_vec_batch *b,
						      struct percu_vec *v);

/**
 * percu_vec_batch_len() - how many slots are in use, by what the batch has done
 * @b: the batch
 */
PERCU_API PERCU_NONNULL(1) size_t
	percu_vec_batch_len(const struct percu_vec_batch *b);

/**
 * percu_vec_batch_get() - the object in a slot, by what the batch has done
 * @b: the batch
 * @i: the slot's index
 *
 * Return: the object; NULL if @i is out of range, or a hole.
 */
PERCU_API PERCU_NONNULL(1) void *percu_vec_batch_get(
	const struct percu_vec_batch *b, size_t i);

/**
 * percu_vec_batch_append() - percu_vec_append() in a batch
 * @b: the batch
 * @obj: the object, the vector's from the commit on
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_batch_append(struct percu_vec_batch *b,
						      void *obj);

/**
 * percu_vec_batch_insert() - percu_vec_insert() in a batch
 * @b: the batch
 * @i: 0 .. the batch's length
 * @obj: the object, the vector's from the commit on
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_batch_insert(struct percu_vec_batch *b,
						      size_t i, void *obj);

/**
 * percu_vec_batch_replace() - percu_vec_replace() in a batch
 * @b: the batch
 * @i: 0 .. the batch's length - 1; may be a hole
 * @obj: the object, the vector's from the commit on
 */
PERCU_API
PERCU_NONNULL(1)
int percu_vec_batch_replace(struct percu_vec_batch *b, size_t i, void *obj);

/**
 * percu_vec_batch_remove() - percu_vec_remove() in a batch
 * @b: the batch
 * @i: 0 .. the batch's length - 1
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_batch_remove(struct percu_vec_batch *b,
						      size_t i);

/**
 * percu_vec_batch_commit() - publish what the batch has done
 * @b: the batch, which ends
 *
 * Return: 0.
 */
PERCU_API
PERCU_NONNULL(1) int percu_vec_batch_commit(struct percu_vec_batch *b);

/**
 * percu_vec_batch_abort() - forget what the batch has done
 * @b: the batch, which ends
 *
 * What it was given to insert is the caller's again; what it has removed or
 * replaced is in the vector.
 */
PERCU_API
PERCU_NONNULL(1) void percu_vec_batch_abort(struct percu_vec_batch *b);

/**
 * DOC: Audit
 */

/**
 * percu_vec_live() - how many objects are in the vector, holes not counted
 * @v: the vector
 *
 * Context: any thread.  Takes the vector's lock.
 */
PERCU_API PERCU_NONNULL(1) size_t percu_vec_live(const struct percu_vec *v);

/**
 * percu_vec_check() - audit a vector
 * @v: the vector
 *
 * Looks at every node: lengths add up, no slot behind a length holds a
 * pointer, the tree is balanced and as full as it must be, holes are counted.
 *
 * Context: any thread.  Takes the vector's lock; time by the length.
 * Return: 0; or -EUCLEAN, and a line on stderr says what is wrong.
 */
PERCU_API PERCU_NONNULL(1) int percu_vec_check(const struct percu_vec *v);

PERCU_END_DECLS

#endif /* PERCU_VEC_H */
