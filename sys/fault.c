/* SPDX-License-Identifier: MIT */
/*
 * sys/fault.c - fault points: the n-th call fails on demand
 *
 * A test arms a set of calls and a number; the call of that set with that
 * number, or every one from there on, is refused before the system sees it,
 * with the errno that the system would have given.  Counting is one atomic
 * increment, so exactly one thread gets number nth however many race for it.
 *
 * Disarmed, a fault point is one relaxed load: its callers are about to enter
 * the kernel anyway.  The mask is what is armed: it is stored last, with
 * release, and read again with acquire by whoever finds its call in it.
 * Arming while other threads are in the middle of a call is allowed; such a
 * call may count for either side.
 */
#include <errno.h>
#include <stdatomic.h>

#include "sys/os.h"

/* (a) all of it */
static struct {
	_Atomic unsigned int mask; /* of 1 << enum os_call; 0: disarmed */
	_Atomic unsigned long nth; /* counted from 1; 0: count, never fail */
	_Atomic bool forever;
	_Atomic unsigned long seen, fired;
} fault;

/* What the system itself would say when it runs out of the thing. */
static const int fault_errno[OS_NR_CALLS] = {
	[OS_RESERVE] = ENOMEM, [OS_COMMIT] = ENOMEM, [OS_RELEASE] = EAGAIN,
	[OS_MAP] = ENOMEM,     [OS_UNMAP] = ENOMEM,  [OS_MEMBARRIER] = EPERM,
	[OS_OPEN] = EMFILE,    [OS_DUP] = EMFILE,    [OS_WRITE] = EIO,
	[OS_THREAD] = EAGAIN,  [OS_MOVE] = ENOMEM,
};

void os_fault_arm(unsigned int mask, unsigned long nth, bool forever)
{
	os_fault_disarm();
	atomic_store_explicit(&fault.nth, nth, memory_order_relaxed);
	atomic_store_explicit(&fault.forever, forever, memory_order_relaxed);
	atomic_store_explicit(&fault.seen, 0, memory_order_relaxed);
	atomic_store_explicit(&fault.fired, 0, memory_order_relaxed);
	/* Release: pairs with the acquire in fault_count(). */
	atomic_store_explicit(&fault.mask, mask, memory_order_release);
}

/* The counts stay, to be read after the test has let go. */
void os_fault_disarm(void)
{
	/* Relaxed: a call that still sees it armed was under way. */
	atomic_store_explicit(&fault.mask, 0, memory_order_relaxed);
}

/* Relaxed: exact once the threads that make calls are joined. */
unsigned long os_fault_seen(void)
{
	return atomic_load_explicit(&fault.seen, memory_order_relaxed);
}

unsigned long os_fault_fired(void)
{
	return atomic_load_explicit(&fault.fired, memory_order_relaxed);
}

__attribute__((noinline, cold)) static bool fault_count(enum os_call call)
{
	unsigned long nth, seen;
	unsigned int mask;
	bool forever;

	/* Acquire: pairs with os_fault_arm(); nth is the one of this mask. */
	mask = atomic_load_explicit(&fault.mask, memory_order_acquire);
	if (!(mask >> call & 1))
		return false;
	forever = atomic_load_explicit(&fault.forever, memory_order_relaxed);
	nth = atomic_load_explicit(&fault.nth, memory_order_relaxed);
	seen = atomic_fetch_add_explicit(&fault.seen, 1, memory_order_relaxed);
	seen++;
	if (!nth || seen < nth || (seen > nth && !forever))
		return false;

	atomic_fetch_add_explicit(&fault.fired, 1, memory_order_relaxed);
	errno = fault_errno[call];
	return true;
}

bool os_fault(enum os_call call)
{
	/* Relaxed: 0 but for tests; fault_count() looks again. */
	if (!atomic_load_explicit(&fault.mask, memory_order_relaxed))
		return false;
	return fault_count(call);
}
