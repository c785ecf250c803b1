/* SPDX-License-Identifier: MIT */
/*
 * percu/alloc.h - memory by size
 *
 * What malloc gives, from percu's size classes: 8 bytes to 32 KiB, eight
 * classes a doubling, each of them a pool of its own ("size-64"); above that,
 * straight from the page heap.  A block that one thread allocates any other
 * may free.  On the hit path there is no lock, no atomic read-modify-write
 * and no system call.
 *
 * Best for: buffers and nodes of many sizes that live and die on many
 * threads.  For objects of one type, percu/pool.h is faster, keeps them
 * constructed, and tells one type from another.
 *
 * Not for: memory shared with another process; a vfork() child; a signal
 * handler that cannot live with EAGAIN (a hit is restartable; a miss that has
 * interrupted percu itself fails).
 *
 * Every pointer that a function here returns is aligned to 16 bytes, or to 8
 * where size is at most 8.
 */
#ifndef PERCU_ALLOC_H
#define PERCU_ALLOC_H

#include <stddef.h>
#include <percu/compiler.h>
#include <percu/flavor.h>

PERCU_BEGIN_DECLS

/**
 * percu_free() - give a block back
 * @ptr: what an allocation function of this header returned, or NULL
 *
 * The block is cached on the calling CPU and is soon handed out again.  errno
 * is left alone.  A pointer that percu did not hand out, one into the middle
 * of a block, and a block that was freed before are misuse: see
 * Documentation/misuse.md for when each is found.
 *
 * Context: any thread.  May take locks; never waits for a grace period.
 */
PERCU_API void percu_free(void *ptr);

/**
 * percu_free_rcu() - give a block back once no reader can see it
 * @ptr: what an allocation function of this header returned, or NULL; no new
 *	reader can find it
 *
 * kfree_rcu() without a head in the block: percu_pool_put_rcu() for blocks of
 * any size.
 *
 * Context: as percu_pool_put_rcu().
 */
#define percu_free_rcu(...) percu_free_rcu_flavor((__VA_ARGS__), &rcu_flavor)

/**
 * percu_free_rcu_flavor() - percu_free_rcu() under a given flavor
 * @ptr: as percu_free_rcu()
 * @flavor: liburcu's, such as &urcu_memb_flavor; lives as long as the program
 *
 * Context: as percu_free_rcu().
 */
PERCU_API PERCU_NONNULL(2) void percu_free_rcu_flavor(
	void *ptr, const struct rcu_flavor_struct *flavor);

/**
 * percu_free_sized() - give a block of known size back
 * @ptr: what percu_alloc(), percu_zalloc() or percu_realloc() returned, or NULL
 * @size: the size that was last asked for, in bytes
 *
 * As percu_free(), without the look-up of the block's class.  A size of
 * another class is misuse; it is found when the block leaves the CPU, and at
 * once in debug mode.  What percu_alloc_aligned() returned can be of another
 * class than its size says: it is for percu_free().
 *
 * Context: any thread.  May take locks.
 */
PERCU_API void percu_free_sized(void *ptr, size_t size);

/**
 * percu_alloc() - allocate uninitialised memory
 * @size: bytes; 0 gives a unique pointer too
 *
 * Context: any thread.  As percu_pool_get().
 * Return: a block of at least @size bytes that the caller owns until it gives
 * it to percu_free(); NULL with errno ENOMEM.
 */
PERCU_API PERCU_MUST_CHECK PERCU_MALLOC PERCU_ALLOC_SIZE(1)
	PERCU_FREED_BY(percu_free, 1) void *percu_alloc(size_t size);

/**
 * percu_zalloc() - allocate memory filled with zeroes
 * @size: bytes
 *
 * Pages that come fresh from the system are not cleared a second time.
 *
 * Context: any thread.  As percu_pool_get().
 * Return: as percu_alloc().
 */
PERCU_API PERCU_MUST_CHECK PERCU_MALLOC PERCU_ALLOC_SIZE(1)
	PERCU_FREED_BY(percu_free, 1) void *percu_zalloc(size_t size);

/**
 * percu_alloc_aligned() - allocate memory at a multiple of @align
 * @align: a power of two, in bytes, at most 32 MiB
 * @size: bytes
 *
 * Context: any thread.  As percu_pool_get().
 * Return: as percu_alloc(); NULL with errno EINVAL if @align is not a power
 * of two or is too large.
 */
PERCU_API PERCU_MUST_CHECK PERCU_MALLOC PERCU_ALLOC_ALIGN(1) PERCU_ALLOC_SIZE(2)
	PERCU_FREED_BY(percu_free, 1) void *percu_alloc_aligned(size_t align,
								size_t size);

/**
 * percu_realloc() - change the size of a block
 * @ptr: what an allocation function of this header returned, or NULL
 * @size: the new size in bytes; 0 is a size like any other
 *
 * A block of up to 32 KiB stays where it is when the new size is of the same
 * class.  A larger one stays when it gets smaller but not as small as that, and
 * where it can it grows without being copied: into free memory behind it, or by
 * mremap().
 *
 * Context: any thread.  As percu_pool_get().
 * Return: the block, perhaps elsewhere, its first min(old, new) bytes as they
 * were; NULL with errno ENOMEM, and then @ptr is untouched and still owned.
 */
PERCU_API PERCU_MUST_CHECK PERCU_ALLOC_SIZE(2)
	PERCU_FREED_BY(percu_free, 1) void *percu_realloc(void *ptr,
							  size_t size);

/**
 * percu_usable_size() - how many bytes a block really has
 * @ptr: what an allocation function of this header returned, or NULL
 *
 * Context: any thread.  Takes no lock.
 * Return: bytes, all of which the caller may use; 0 for NULL.
 */
PERCU_API size_t percu_usable_size(const void *ptr);

/**
 * percu_good_size() - the size that a request is rounded up to
 * @size: bytes
 *
 * Context: any thread.  Takes no lock.
 * Return: what percu_usable_size() would say of percu_alloc(@size), or 0 if
 * no allocation can be that large.
 */
PERCU_API size_t percu_good_size(size_t size);

PERCU_END_DECLS

#endif /* PERCU_ALLOC_H */
