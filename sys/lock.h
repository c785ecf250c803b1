/* SPDX-License-Identifier: MIT */
/*
 * sys/lock.h - locks with an order
 *
 * Locks are taken in the order of enum lock_rank, top first; two locks of one
 * rank are held together by fork alone.  Debug builds assert it.  An all-zero
 * struct lock is an unlocked one.
 */
#ifndef PERCU_SYS_LOCK_H
#define PERCU_SYS_LOCK_H

#include <pthread.h>
#include <stdbool.h>

#include "sys/tool.h"

enum lock_rank {
	LOCK_VEC,    /* one vector's writers; see lock_take_outer() */
	LOCK_GRACE,  /* reclaimers: what waits, and who waits for it */
	LOCK_AGE,    /* one drain, ageing, shrink or destroy at a time */
	LOCK_POOLS,  /* the list of pools */
	LOCK_RECORD, /* lock path: one CPU's record of one pool */
	LOCK_DEPOT,  /* one pool's magazines */
	LOCK_SLAB,   /* one pool's spans */
	LOCK_HEAP,   /* page runs and arenas */
	LOCK_META,   /* percu's own records */
	LOCK_NR_RANKS
};

struct lock {
	pthread_mutex_t mutex;
};

/*
 * How many locks this thread holds or is about to hold.  A signal handler that
 * finds it above zero has interrupted the library where it must not be entered
 * again.  Written by its thread alone, and read by handlers on that thread: in
 * program order is in order enough, if the compiler keeps it (signal fence).
 */
extern __thread unsigned int locks_held
	__attribute__((tls_model("initial-exec")));

/*
 * How many outer locks (below) this thread holds: it must not wait for readers,
 * who may want them.
 */
extern __thread unsigned int locks_outer
	__attribute__((tls_model("initial-exec")));

#ifdef PERCU_DEBUG
void lock_order_enter(enum lock_rank rank); /* aborts on a wrong order */
void lock_order_outer(enum lock_rank rank); /* the same, and counts for none */
void lock_order_leave(enum lock_rank rank); /* aborts if it is not held */
/* Between the two this thread's locks are not looked at: fork takes several
 * of one rank.  Whatever it takes in between it gives in between. */
void lock_order_pause(void);
void lock_order_resume(void);
#else
static inline void lock_order_enter(enum lock_rank rank)
{
	(void)rank;
}
static inline void lock_order_outer(enum lock_rank rank)
{
	(void)rank;
}
static inline void lock_order_leave(enum lock_rank rank)
{
	(void)rank;
}
static inline void lock_order_pause(void)
{
}
static inline void lock_order_resume(void)
{
}
#endif

static inline void lock_init(struct lock *l)
{
	pthread_mutex_init(&l->mutex, NULL);
}

static inline void lock_take(struct lock *l, enum lock_rank rank)
{
	locks_held++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	lock_order_enter(rank);
	pthread_mutex_lock(&l->mutex);
}

static inline bool lock_try(struct lock *l, enum lock_rank rank)
{
	locks_held++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (pthread_mutex_trylock(&l->mutex)) {
		locks_held--;
		return false;
	}
	lock_order_enter(rank);
	return true;
}

static inline void lock_give(struct lock *l, enum lock_rank rank)
{
	pthread_mutex_unlock(&l->mutex);
	lock_order_leave(rank);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	locks_held--;
}

/*
 * A lock of what stands above the pools.  Whoever holds it gets and puts, and
 * so may a handler that has interrupted its holder: it is not counted in
 * locks_held.  A thread may hold several, in an order that is its program's.
 */
static inline void lock_take_outer(struct lock *l, enum lock_rank rank)
{
	lock_order_outer(rank);
	pthread_mutex_lock(&l->mutex);
	locks_outer++;
}

static inline void lock_give_outer(struct lock *l)
{
	locks_outer--;
	pthread_mutex_unlock(&l->mutex);
}

/*
 * For fork, which takes more locks than TSan lets a thread hold.  In the child
 * they are made new.
 */
static inline void lock_take_unseen(struct lock *l, enum lock_rank rank)
{
	locks_held++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	lock_order_enter(rank);
	tool_lock_unseen(&l->mutex);
}

static inline void lock_give_unseen(struct lock *l, enum lock_rank rank)
{
	tool_unlock_unseen(&l->mutex);
	lock_order_leave(rank);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	locks_held--;
}

#endif /* PERCU_SYS_LOCK_H */
