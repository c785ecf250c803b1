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
 *  - a program that frees much and then sleeps would keep it: so where pages lie
 *    idle that are more than a limit, and than an eighth of what is in use, all
 *    of them go back at once, at the next call that misses.  That of a block over
 *    32 KiB always does.
 *
 * The limit is between IDLE_LEAST and PERCU=idle.  Pages that come and go cost a
 * fault each, so it doubles when it is reached a second time within an ageing
 * time, and halves when it has not been for as long: who churns keeps his
 * memory, and who is done with it does not.
 *
 * Locks: as percu_age(), which see; none is held here.
 */
#include <percu/pool.h>

#include "malloc/malloc.h"
#include "slab/heap.h"
#include "sys/os.h"

enum {
	IDLE_LEAST = 4 << 20
};

/* (a), all of them; times in ns of the coarse clock. */
static uint64_t due; /* 0: not begun */
static uint64_t limit = IDLE_LEAST, reached;

static uint64_t age_ns(void)
{
	return conf.age * UINT64_C(1000000);
}

static uint64_t limit_read(void)
{
	uint64_t bytes = __atomic_load_n(&limit, __ATOMIC_RELAXED);

	return bytes < conf.idle ? bytes : conf.idle;
}

static void limit_set(uint64_t to)
{
	to = to < conf.idle ? to : conf.idle;
	to = to > IDLE_LEAST ? to : IDLE_LEAST;
	__atomic_store_n(&limit, to, __ATOMIC_RELAXED);
}

static __attribute__((noinline, cold)) void age(uint64_t was, uint64_t now)
{
	uint64_t next = now + age_ns();

	/* Relaxed: it says who does it, and orders nothing. */
	if (!__atomic_compare_exchange_n(&due, &was, next, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
	    !was)
		return;
	if (now - __atomic_load_n(&reached, __ATOMIC_RELAXED) > age_ns())
		limit_set(limit_read() / 2);
	percu_age();
}

static __attribute__((noinline, cold)) void release(uint64_t now)
{
	/* Another one may be at it, or ageing: that is as good. */
	if (!lock_try(&pools.age, LOCK_AGE))
		return;
	if (now - __atomic_load_n(&reached, __ATOMIC_RELAXED) <= age_ns())
		limit_set(limit_read() * 2);
	__atomic_store_n(&reached, now, __ATOMIC_RELAXED);
	if (heap_idles(limit_read()))
		heap_age(true);
	lock_give(&pools.age, LOCK_AGE);
}

void decay_tick(void)
{
	uint64_t was, now;

	if (!conf.age) /* never, or not set up yet */
		return;
	now = os_clock_coarse();
	if (unlikely(heap_idles(limit_read())))
		release(now);
	was = __atomic_load_n(&due, __ATOMIC_RELAXED);
	if (unlikely(now >= was))
		age(was, now);
}

size_t decay_now(void)
{
	return percu_age() + percu_age();
}
