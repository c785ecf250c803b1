/* SPDX-License-Identifier: MIT */
/*
 * sys/lock.c - the order of locks, asserted
 *
 * Each thread keeps a word with one bit for each rank that it holds.  A rank
 * may be taken only while no bit at or above it is set; as every rank is held
 * at most once, a bit is enough and leaving clears it.  A wrong order is
 * reported at once, on the first run that takes the locks that way round,
 * and not on the rare one that deadlocks.
 *
 * Debug builds only; else sys/lock.h has nothing to call.
 */
#include "sys/lock.h"

__thread unsigned int locks_held, locks_outer;

#ifdef PERCU_DEBUG

#include <stdint.h>

#include "sys/report.h"

/*
 * Initial-exec: a first access must not allocate, for it may be malloc() that
 * takes the lock.
 */
#define LOCK_TLS static _Thread_local __attribute__((tls_model("initial-exec")))

LOCK_TLS uint32_t lock_held;       /* of 1 << enum lock_rank */
LOCK_TLS unsigned int lock_paused; /* how many lock_order_pause() deep */

static const char *const lock_name[LOCK_NR_RANKS] = {
	[LOCK_VEC] = "vec",       [LOCK_GRACE] = "grace",
	[LOCK_AGE] = "age",       [LOCK_POOLS] = "pools",
	[LOCK_RECORD] = "record", [LOCK_DEPOT] = "depot",
	[LOCK_SLAB] = "slab",     [LOCK_HEAP] = "heap",
	[LOCK_META] = "meta",
};

void lock_order_enter(enum lock_rank rank)
{
	if (lock_paused)
		return;
	if (lock_held >> rank)
		report_misuse("lock order: %s taken while %s is held",
			      lock_name[rank],
			      lock_name[31 - __builtin_clz(lock_held)]);
	lock_held |= 1u << rank;
}

/* Nothing is above an outer lock, so that it is held need not be known. */
void lock_order_outer(enum lock_rank rank)
{
	lock_order_enter(rank);
	lock_order_leave(rank);
}

void lock_order_leave(enum lock_rank rank)
{
	if (lock_paused)
		return;
	if (!(lock_held >> rank & 1))
		report_misuse("lock order: %s given and not held",
			      lock_name[rank]);
	lock_held &= ~(1u << rank);
}

void lock_order_pause(void)
{
	lock_paused++;
}

void lock_order_resume(void)
{
	if (!lock_paused)
		report_misuse("lock order: resumed and not paused");
	lock_paused--;
}

#endif /* PERCU_DEBUG */
