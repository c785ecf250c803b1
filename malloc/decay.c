/* SPDX-License-Identifier: MIT */
/*
 * malloc/decay.c - idle memory goes back, by the clock and by its size
 *
 * Nobody calls percu_age() in a program that only knows malloc, and a thread
 * that would is not for a library to start behind its back: who forks, changes
 * its user or counts its threads would notice.  So those who miss look at the
 * clock, the coarse one, which costs a few nanoseconds:
 *
 *  - an ageing cycle is due every PERCU=age ms.  Who finds it due runs it, the
 *    others go on.  What lies idle is given back after one to two of these
 *    times, as long as the program misses at all.
 *  - a program that frees much and then sleeps would keep it: so where more
 *    than PERCU=idle bytes of pages, and more than a quarter of what is in use,
 *    lie idle, all of them go back at once, at the next free that misses.  A
 *    block over 32 KiB always does.
 *
 * Locks: as percu_age(), which see; none is held here.
 */
#include <percu/pool.h>

#include "malloc/malloc.h"
#include "slab/heap.h"
#include "sys/os.h"

static uint64_t due; /* (a) ns of the coarse clock; 0: not begun */

static __attribute__((noinline, cold)) void age(uint64_t was, uint64_t now)
{
	uint64_t next = now + conf.age * UINT64_C(1000000);

	/* Relaxed: it says who does it, and orders nothing. */
	if (__atomic_compare_exchange_n(&due, &was, next, false,
					__ATOMIC_RELAXED, __ATOMIC_RELAXED) &&
	    was)
		percu_age();
}

static __attribute__((noinline, cold)) void release(void)
{
	/* Another one may be at it, or ageing: that is as good. */
	if (!lock_try(&pools.age, LOCK_AGE))
		return;
	heap_age(true);
	lock_give(&pools.age, LOCK_AGE);
}

void decay_tick(void)
{
	uint64_t was, now;

	if (!conf.age) /* never, or not set up yet */
		return;
	if (unlikely(heap_idles(conf.idle)))
		release();
	now = os_clock_coarse();
	was = __atomic_load_n(&due, __ATOMIC_RELAXED);
	if (unlikely(now >= was))
		age(was, now);
}

size_t decay_now(void)
{
	return percu_age() + percu_age();
}
