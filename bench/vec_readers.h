/* SPDX-License-Identifier: MIT */
/*
 * bench/vec_readers.h - a read in a section of one kind or another
 *
 * A section, a get at a random index and a look at what was got: alone in
 * vec_lock.c, beside a writer in vec_writer.c.  seqlock.h has its own.
 */
#ifndef BENCH_VEC_READERS_H
#define BENCH_VEC_READERS_H

#include <pthread.h>
#include <string.h>

#include <percu/alloc.h>

#include "bench/kit.h"
#include "bench/snapshot.h"
#include "bench/vec.h"

/* Of a thread that reads, in all of these ways. */
static inline void readers_enter(void)
{
	rcu_register_thread();
	kit_enter();
}

static inline void readers_leave(void)
{
	kit_leave();
	rcu_unregister_thread();
}

static inline void look_at(const struct flat *f, size_t i)
{
	if (i < __atomic_load_n(&f->len, __ATOMIC_RELAXED))
		look(f->slot[i]);
}

static inline void readers_vec(const struct table *t, uint64_t iters)
{
	size_t mask = t->order_len - 1;

	for (uint64_t k = 0; k < iters; k++) {
		rcu_read_lock();
		look(percu_vec_get(&t->vec, t->order[k & mask]));
		rcu_read_unlock();
	}
}

static inline void readers_rwlock(pthread_rwlock_t *lock, const struct table *t,
				  uint64_t iters)
{
	size_t mask = t->order_len - 1;

	for (uint64_t k = 0; k < iters; k++) {
		pthread_rwlock_rdlock(lock);
		look_at(t->flat, t->order[k & mask]);
		pthread_rwlock_unlock(lock);
	}
}

static inline void readers_mutex(pthread_mutex_t *lock, const struct table *t,
				 uint64_t iters)
{
	size_t mask = t->order_len - 1;

	for (uint64_t k = 0; k < iters; k++) {
		pthread_mutex_lock(lock);
		look_at(t->flat, t->order[k & mask]);
		pthread_mutex_unlock(lock);
	}
}

static inline void readers_snapshot(_Atomic uint64_t *word,
				    const struct table *t, uint64_t iters)
{
	size_t mask = t->order_len - 1;

	for (uint64_t k = 0; k < iters; k++) {
		struct snapshot *s = snapshot_enter(word);
		size_t i = t->order[k & mask];

		if (i < s->len)
			look(s->slot[i]);
		if (snapshot_leave(word, s))
			percu_free(s);
	}
}

/* A snapshot of len slots, of which the first are those of from. */
static inline struct snapshot *snapshot_of_slots(void *const *from, size_t n,
						 size_t len)
{
	struct snapshot *s = percu_alloc(sizeof(*s) + len * sizeof(s->slot[0]));

	die_unless(s, "snapshot");
	memcpy(s->slot, from, n * sizeof(s->slot[0]));
	s->len = len;
	return s;
}

#endif /* BENCH_VEC_READERS_H */
