/* SPDX-License-Identifier: MIT */
/*
 * bench/snapshot.h - an array that readers hold by a count of references
 *
 * What a shared pointer that is atomic does: to load the pointer and to count
 * one more reader is one step, or the array could go in between.  So both are
 * in one word: the pointer, and in the 16 bits that no address has on 64-bit
 * Linux a count of those who took it there.  Who leaves takes its count from
 * the word, if the array is still there, else from the array.  A writer that
 * replaces an array moves the word's count to it; who brings the array's count
 * to 0 frees it: all readers have left, and it is no longer in the word.
 *
 *	word	pointer, and readers that came by it and have not left by it
 *	refs	HELD while the array is in the word; readers that left it
 *		otherwise make it less, and the word's count more in the end
 */
#ifndef BENCH_SNAPSHOT_H
#define BENCH_SNAPSHOT_H

#include <stdatomic.h>

#include "bench/vec.h"

struct snapshot {
	_Atomic int64_t refs;
	size_t len;
	void *slot[];
};

#define SNAPSHOT_ONE  ((uint64_t)1 << 48)
#define SNAPSHOT_HELD ((int64_t)1 << 32)

static inline struct snapshot *snapshot_of(uint64_t word)
{
	return (struct snapshot *)(uintptr_t)(word & (SNAPSHOT_ONE - 1));
}

/* Before it is in the word: nobody else knows of it. */
static inline uint64_t snapshot_new_word(struct snapshot *s)
{
	atomic_store_explicit(&s->refs, SNAPSHOT_HELD, memory_order_relaxed);
	return (uint64_t)(uintptr_t)s;
}

/* The acquire pairs with snapshot_replace(): the array is there. */
static inline struct snapshot *snapshot_enter(_Atomic uint64_t *word)
{
	return snapshot_of(atomic_fetch_add_explicit(word, SNAPSHOT_ONE,
						     memory_order_acquire));
}

/*
 * true: the caller is the last.  The release of each pairs with the acquire of
 * the last one: what was read was read before the array goes.
 */
static inline bool snapshot_drop(struct snapshot *s, int64_t n)
{
	return atomic_fetch_add_explicit(&s->refs, n, memory_order_acq_rel) +
		       n ==
	       0;
}

static inline bool snapshot_leave(_Atomic uint64_t *word, struct snapshot *s)
{
	uint64_t now = atomic_load_explicit(word, memory_order_relaxed);

	while (snapshot_of(now) == s)
		if (atomic_compare_exchange_weak_explicit(
			    word, &now, now - SNAPSHOT_ONE,
			    memory_order_release, memory_order_relaxed))
			return false;
	return snapshot_drop(s, -1);
}

/*
 * The old array, if nobody has it any more; else NULL.  The release pairs with
 * snapshot_enter(), the acquire with snapshot_leave() by the word.
 */
static inline struct snapshot *snapshot_replace(_Atomic uint64_t *word,
						struct snapshot *s)
{
	uint64_t old = atomic_exchange_explicit(word, snapshot_new_word(s),
						memory_order_acq_rel);
	struct snapshot *gone = snapshot_of(old);
	int64_t readers = (int64_t)(old / SNAPSHOT_ONE);

	return snapshot_drop(gone, readers - SNAPSHOT_HELD) ? gone : NULL;
}

#endif /* BENCH_SNAPSHOT_H */
