/* SPDX-License-Identifier: MIT */
/*
 * pool/handler.c - misses in signal handlers
 *
 * A handler that gets and puts on the hit path only restarts what it has
 * interrupted.  A miss takes locks, and the interrupted code may hold them:
 * locks_held says so.  Such a get fails with EAGAIN.  Such a put has to place
 * its object all the same: it parks it here, and the next miss that may take
 * locks, of any thread and any pool, puts it where it belongs.  Until then the
 * object counts as out.
 *
 * A parking place goes round FREE -> (handler claims) BUSY -> TAKEN ->
 * (placer claims) BUSY -> FREE.  Both claims are compare-and-swaps that
 * acquire, both hand-overs stores that release: each pairs with the other's.
 * It is FREE when its object is placed, so that a barrier can wait for that.
 *
 * A block of memory by size, whose bytes are nobody's now, needs no place: its
 * first word makes it a link of a stack.  A handler pushes, and who places takes
 * all of it, so that no link is popped by two.  Thus a handler may free
 * everything that a program has, as those do that end it.  Under a tool that
 * cuts blocks to size the word may be none of the block's.
 */
#include <percu/alloc.h>
#include <sched.h>

#include "pool/waiting.h"
#include "sys/report.h"

enum {
	NR_PARKED = 64
};

enum parked_state {
	PARKED_FREE,
	PARKED_BUSY,
	PARKED_TAKEN,
};

static struct parked {
	uint32_t state;          /* (a) */
	struct percu_pool *pool; /* (a) by who made it BUSY; NULL: percu_free() */
	void *obj;
	const struct rcu_flavor_struct *flavor; /* (a) NULL: it is not retired */
	void *site;                             /* that retired it */
} parked[NR_PARKED];

static uint32_t nparked; /* (a) a hint that there are some */

static void *blocks; /* (a) the stack's top; a link is its block's first word */

static void block_push(void **ptr)
{
	*ptr = __atomic_load_n(&blocks, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&blocks, ptr, ptr, true,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

static __attribute__((noinline, cold)) void blocks_place(void)
{
	void **ptr = __atomic_exchange_n(&blocks, NULL, __ATOMIC_ACQUIRE),
	     *next;

	for (; ptr; ptr = next) {
		next = *ptr;
		percu_free(ptr);
	}
}

static bool is_block(const struct percu_pool *p)
{
	return !p || p->slab.class_;
}

static bool claim(struct parked *k, uint32_t from)
{
	return __atomic_load_n(&k->state, __ATOMIC_RELAXED) == from &&
	       __atomic_compare_exchange_n(&k->state, &from, PARKED_BUSY, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void parked_add(struct percu_pool *p, void *obj,
		const struct rcu_flavor_struct *flavor, void *site)
{
	if (!flavor && is_block(p) && !tool_redzone()) {
		block_push(obj);
		return;
	}
	for (struct parked *k = parked; k < parked + NR_PARKED; k++) {
		if (!claim(k, PARKED_FREE))
			continue;
		k->obj = obj;
		k->site = site;
		/* Relaxed: for who looks without a claim. */
		__atomic_store_n(&k->pool, p, __ATOMIC_RELAXED);
		__atomic_store_n(&k->flavor, flavor, __ATOMIC_RELAXED);
		__atomic_store_n(&k->state, PARKED_TAKEN, __ATOMIC_RELEASE);
		__atomic_fetch_add(&nparked, 1, __ATOMIC_RELAXED);
		return;
	}
	report_misuse(
		"%p: more than %d objects put by signal handlers that interrupted percu",
		obj, NR_PARKED);
}

static __attribute__((noinline, cold)) void place_all(void)
{
	for (struct parked *k = parked; k < parked + NR_PARKED; k++) {
		if (!claim(k, PARKED_TAKEN))
			continue;
		__atomic_fetch_sub(&nparked, 1, __ATOMIC_RELAXED);
		if (k->flavor)
			retire_now(k->pool, k->obj, k->flavor, k->site, NULL);
		else if (k->pool)
			pool_put_slow(k->pool, k->obj);
		else
			percu_free(k->obj);
		__atomic_store_n(&k->state, PARKED_FREE, __ATOMIC_RELEASE);
	}
}

void parked_place(void)
{
	if (unlikely(__atomic_load_n(&nparked, __ATOMIC_RELAXED)))
		place_all();
	if (unlikely(__atomic_load_n(&blocks, __ATOMIC_RELAXED)))
		blocks_place();
}

/* One that a handler is filling may look like what it was before: no harm. */
static bool is_retired_to(struct parked *k, const struct percu_pool *p)
{
	/* Acquires: who finds it FREE finds its object placed. */
	return __atomic_load_n(&k->state, __ATOMIC_ACQUIRE) != PARKED_FREE &&
	       __atomic_load_n(&k->flavor, __ATOMIC_RELAXED) &&
	       (!p || __atomic_load_n(&k->pool, __ATOMIC_RELAXED) == p);
}

void parked_wait(const struct percu_pool *p)
{
	for (struct parked *k = parked; k < parked + NR_PARKED; k++)
		while (is_retired_to(k, p)) {
			place_all();
			sched_yield(); /* somebody else may be placing it */
		}
}

void parked_after_fork(void)
{
	/* In the hands of threads that are not here. */
	for (struct parked *k = parked; k < parked + NR_PARKED; k++)
		if (k->state == PARKED_BUSY)
			k->state = PARKED_FREE;
}
