/* SPDX-License-Identifier: MIT */
/*
 * rcu/rounds.h - what the files that run rounds share
 *
 *	grace.c		rounds, the reclaimer, and who waits for it
 *	grace_fork.c	new processes, and the end of this one
 *	stall.c		the watch over rounds that take too long
 *
 * The inbox of a flavor is a stack that any thread pushes to and only a round
 * empties, as a whole: so no element is ever popped by two, and there is no
 * ABA.
 */
#ifndef PERCU_RCU_ROUNDS_H
#define PERCU_RCU_ROUNDS_H

#include "rcu/grace.h"

/* Acquire: pairs with the release of grace_of(). */
#define for_each_grace(g)                                   \
	for (struct grace *g = graces.grace;                \
	     g < graces.grace + NR_GRACES &&                \
	     __atomic_load_n(&g->flavor, __ATOMIC_ACQUIRE); \
	     g++)

/* The one whose callbacks this thread runs, or NULL. */
extern __thread struct grace *callbacks_of HIDDEN
	__attribute__((tls_model("initial-exec")));

static inline void graces_lock(void)
{
	lock_take(&graces.lock, LOCK_GRACE);
}

static inline void graces_unlock(void)
{
	lock_give(&graces.lock, LOCK_GRACE);
}

/* Of os_clock()'s time; graces.lock is held.  until: ns, or 0 for ever. */
void cond_init(pthread_cond_t *c);
void cond_wait(pthread_cond_t *c, uint64_t until);

/* All of the inbox, oldest first. */
static inline struct grace_wait *inbox_take(struct grace *g)
{
	struct grace_wait *w, *next, *fifo = NULL;

	/* Acquire: pairs with the release of inbox_push(). */
	w = __atomic_exchange_n(&g->inbox, NULL, __ATOMIC_ACQUIRE);
	for (; w; w = next) {
		next = w->next;
		w->next = fifo;
		fifo = w;
	}
	return fifo;
}

/*
 * True: it was empty.  Acquires, too: who knows that this is pushed knows what
 * was counted of all that was pushed before it (pool/barrier.c).
 */
static inline bool inbox_push(struct grace *g, struct grace_wait *w)
{
	struct grace_wait *head = __atomic_load_n(&g->inbox, __ATOMIC_RELAXED);

	do {
		w->next = head;
	} while (!__atomic_compare_exchange_n(
		&g->inbox, &head, w, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return !head;
}

#endif /* PERCU_RCU_ROUNDS_H */
