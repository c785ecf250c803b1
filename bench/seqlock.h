/* SPDX-License-Identifier: MIT */
/*
 * bench/seqlock.h - an array that readers look at again if it has changed
 *
 * The count is odd while a writer is at work.  What a reader gets may be stale
 * before it is checked, so objects must not be freed: a vector's may.
 */
#ifndef BENCH_SEQLOCK_H
#define BENCH_SEQLOCK_H

#include <stdatomic.h>

#include "bench/vec.h"

struct seqlock {
	_Alignas(64) _Atomic unsigned int count;
};

/* The acquire pairs with seqlock_write_end(). */
static inline unsigned int seqlock_read(struct seqlock *s)
{
	unsigned int c;

	while ((c = atomic_load_explicit(&s->count, memory_order_acquire)) & 1)
		;
	return c;
}

static inline bool seqlock_again(struct seqlock *s, unsigned int c)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&s->count, memory_order_relaxed) != c;
}

static inline void seqlock_write_begin(struct seqlock *s)
{
	unsigned int c = atomic_load_explicit(&s->count, memory_order_relaxed);

	atomic_store_explicit(&s->count, c + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static inline void seqlock_write_end(struct seqlock *s)
{
	unsigned int c = atomic_load_explicit(&s->count, memory_order_relaxed);

	atomic_store_explicit(&s->count, c + 1, memory_order_release);
}

/* Reads of t's array at random, a look at each object. */
static inline void seqlock_random(struct seqlock *s, const struct table *t,
				  uint64_t iters)
{
	size_t mask = t->order_len - 1;

	for (uint64_t k = 0; k < iters; k++) {
		size_t i = t->order[k & mask];
		unsigned int c;

		do {
			c = seqlock_read(s);
			if (i <
			    __atomic_load_n(&t->flat->len, __ATOMIC_RELAXED))
				look(t->flat->slot[i]);
		} while (seqlock_again(s, c));
	}
}

#endif /* BENCH_SEQLOCK_H */
