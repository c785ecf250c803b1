/* SPDX-License-Identifier: MIT */
/*
 * rcu/grace.c - the reclaimer of each flavor
 *
 * What is handed over goes to an inbox (rcu/rounds.h).  A round
 *
 *	1  flushes what is not handed over yet, where that is due
 *	2  takes all of the inbox, oldest first
 *	3  waits for a grace period: synchronize_rcu()
 *	4  calls done() for each batch, in the order in which they came
 *
 * What was pushed before 2 was unlinked before 3, so 3 waits for every reader
 * that can have found it.  What comes meanwhile waits for the next round.  The
 * order makes a count of finished batches a barrier (pool/barrier.c).  What is
 * called in 1 and 4 may run callbacks of the program's.
 *
 * The thread sleeps until a round is due, and for ever if none is.  The first
 * batch after a round makes one due LINGER later, so that others can join it;
 * above the soft mark, and when somebody waits, it is due at once.  Records
 * that hold less than a batch are flushed conf.defer_age after the first of
 * them was opened.  Where no thread can be had, who waits runs the round.
 *
 * Lock order: LOCK_GRACE is taken without any other of percu's.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <urcu/flavor.h>

#include "rcu/rounds.h"
#include "sys/conf.h"
#include "sys/delay.h"
#include "sys/os.h"
#include "sys/report.h"
#include "sys/tool.h"

enum {
	LINGER = 1000000, /* ns that a round waits for company */
};

struct graces graces = {
	.lock = { PTHREAD_MUTEX_INITIALIZER },
	.done = PTHREAD_COND_INITIALIZER,
};

__thread struct grace *callbacks_of __attribute__((tls_model("initial-exec")));

void cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

void cond_wait(pthread_cond_t *c, uint64_t until)
{
	struct timespec ts = { (time_t)(until / 1000000000),
			       (long)(until % 1000000000) };

	if (until)
		pthread_cond_timedwait(c, &graces.lock.mutex, &ts);
	else
		pthread_cond_wait(c, &graces.lock.mutex);
}

void grace_init(const struct grace_ops *ops, uint64_t soft, uint64_t hard)
{
	graces.ops = ops;
	graces.soft = soft;
	graces.hard = hard;
	lock_init(&graces.lock);
	cond_init(&graces.done);
}

/* Two structs of one flavor have the same functions. */
static bool same(const struct rcu_flavor_struct *a,
		 const struct rcu_flavor_struct *b)
{
	return a == b ||
	       (a && a->update_synchronize_rcu == b->update_synchronize_rcu);
}

struct grace *grace_of(const struct rcu_flavor_struct *flavor)
{
	struct grace *g;

	for (g = graces.grace; g < graces.grace + NR_GRACES; g++) {
		/* Acquire: pairs with the release below. */
		const struct rcu_flavor_struct *f =
			__atomic_load_n(&g->flavor, __ATOMIC_ACQUIRE);

		if (!f) {
			graces_lock();
			if (!g->flavor) {
				cond_init(&g->wake);
				__atomic_store_n(&g->flavor, flavor,
						 __ATOMIC_RELEASE);
			}
			f = g->flavor;
			graces_unlock();
		}
		if (same(f, flavor))
			return g;
	}
	report_misuse("more than %d flavors of RCU are in use", NR_GRACES);
}

/* Rounds. ------------------------------------------------------------------- */

static uint64_t bytes_now(void)
{
	return __atomic_load_n(&graces.bytes, __ATOMIC_SEQ_CST);
}

/*
 * Wakes who waits for a batch, or until one is handed over.  Sequentially
 * consistent, all four: the waiter (grace_wait_for()) counts itself and then
 * looks for what is done; here what is done has been counted, by on_done() or
 * retire_hand_over(), and then waiters are looked for.  One of the two sees the
 * other.
 */
void grace_tell(void)
{
	if (!__atomic_load_n(&graces.waiters, __ATOMIC_SEQ_CST))
		return;
	delay_step();
	graces_lock();
	pthread_cond_broadcast(&graces.done);
	graces_unlock();
}

/*
 * Callbacks may run between the two: they may read, and must not wait for a
 * round of this thread.  Gives what callbacks_end() takes.
 */
static struct grace *callbacks_begin(struct grace *g)
{
	struct grace *outer = callbacks_of;

	callbacks_of = g;
	g->flavor->thread_online();
	return outer;
}

static void callbacks_end(struct grace *g, struct grace *outer)
{
	g->flavor->thread_offline();
	callbacks_of = outer;
}

/* Step 1. */
static void round_flush(struct grace *g)
{
	struct grace *outer = callbacks_begin(g);

	graces.ops->flush(g);
	callbacks_end(g, outer);
}

/* Step 4.  What is in hand when the process forks the child has not. */
static void round_finish(struct grace *g)
{
	struct grace *outer = callbacks_begin(g);

	while (g->round) {
		graces.ops->done(&g->round);
		delay_step();
		g->flavor->read_quiescent_state();
		grace_tell();
	}
	callbacks_end(g, outer);
}

/* Another grace period is over; graces.lock is held.  Statistics read it. */
static void grace_count(uint64_t ns)
{
	__atomic_fetch_add(&graces.rounds, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&graces.ns, ns, __ATOMIC_RELAXED);
	if (ns > graces.ns_max)
		__atomic_store_n(&graces.ns_max, ns, __ATOMIC_RELAXED);
}

/* graces.lock is held, and given back meanwhile; g is not busy. */
static void round_run(struct grace *g, uint64_t now)
{
	bool flush = g->flush_at &&
		     (g->flush_at <= now || bytes_now() >= graces.soft ||
		      __atomic_load_n(&graces.waiters, __ATOMIC_RELAXED));
	uint64_t from;

	g->busy = true;
	g->due = 0;
	/* Acquires, with hurry(): who did not ask again has pushed before. */
	(void)__atomic_exchange_n(&g->hurried, false, __ATOMIC_ACQ_REL);
	if (flush)
		g->flush_at = 0;
	graces_unlock();
	delay_step();
	if (flush)
		round_flush(g);
	delay_step();
	graces_lock();
	g->round = inbox_take(g);
	if (g->round) {
		/* Both sides: pairs with grace_next(). */
		__atomic_fetch_add(&g->started, 1, __ATOMIC_ACQ_REL);
		g->since = now;
		stall_begin(g);
		graces_unlock();
		delay_step();
		from = os_clock(); /* and not now: flushing took time */
		g->flavor->update_synchronize_rcu();
		/* A reader that TSan watches can release it when it leaves. */
		tool_acquire(
			(void *)(uintptr_t)g->flavor->update_synchronize_rcu);
		graces_lock();
		g->since = 0;
		grace_count(os_clock() - from);
		graces_unlock();
		delay_step();
		round_finish(g);
		delay_step();
		graces_lock();
		/* Release: pairs with grace_ended(). */
		__atomic_store_n(&g->ended,
				 __atomic_load_n(&g->started, __ATOMIC_RELAXED),
				 __ATOMIC_RELEASE);
	}
	g->busy = false;
	pthread_cond_broadcast(&graces.done);
	/* Who waited and ran this may have a reclaimer by now, which waits. */
	pthread_cond_signal(&g->wake);
}

/* The thread. ----------------------------------------------------------------- */

static void reclaimer_park(struct grace *g)
{
	graces_unlock();
	g->flavor->unregister_thread();
	graces_lock();
	g->parked = true;
	pthread_cond_broadcast(&graces.done);
	while (graces.forks)
		cond_wait(&g->wake, 0);
	g->parked = false;
	graces_unlock();
	g->flavor->register_thread();
	g->flavor->thread_offline();
	graces_lock();
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	if (!a || !b)
		return a + b;
	return a < b ? a : b;
}

static void *reclaimer(void *arg)
{
	struct grace *g = arg;
	uint64_t now, next;

	g->flavor->register_thread();
	g->flavor->thread_offline();
	graces_lock();
	while (!g->stop) {
		now = os_clock();
		next = earlier(g->due, g->flush_at);
		if (graces.forks)
			reclaimer_park(g);
		else if (!next || next > now || g->busy)
			cond_wait(&g->wake, g->busy ? 0 : next);
		else
			round_run(g, now);
	}
	__atomic_store_n(&g->running, false, __ATOMIC_RELAXED);
	graces_unlock();
	g->flavor->unregister_thread();
	return NULL;
}

/* graces.lock is held.  False: there is no thread to be had now. */
static bool reclaimer_start(struct grace *g)
{
	if (!g->running && !g->stop &&
	    !os_thread(&g->thread, reclaimer, g, "percu-reclaim"))
		__atomic_store_n(&g->running, true, __ATOMIC_RELAXED);
	return g->running;
}

/*
 * A round is to begin at that time or sooner.  Without a thread one of those
 * who wait must run it, and is told.
 */
static void round_due(struct grace *g, uint64_t when)
{
	delay_step();
	graces_lock();
	if (!g->due || when < g->due) {
		g->due = when;
		pthread_cond_signal(&g->wake);
	}
	if (!reclaimer_start(g))
		pthread_cond_broadcast(&graces.done);
	graces_unlock();
}

static void hurry(struct grace *g)
{
	/* Releases the caller's push: pairs with round_run(). */
	if (!__atomic_exchange_n(&g->hurried, true, __ATOMIC_ACQ_REL) ||
	    !__atomic_load_n(&g->running, __ATOMIC_RELAXED))
		round_due(g, 1);
}

void grace_defer(struct grace *g, struct grace_wait *w, uint64_t bytes)
{
	uint64_t total =
		__atomic_add_fetch(&graces.bytes, bytes, __ATOMIC_RELAXED);
	bool first = inbox_push(g, w);

	delay_step();
	if (total >= graces.soft)
		hurry(g);
	/* Relaxed: a thread that could not be had is tried for again. */
	else if (first || !__atomic_load_n(&g->running, __ATOMIC_RELAXED))
		round_due(g, os_clock() + LINGER);
}

void grace_undefer(uint64_t bytes)
{
	__atomic_sub_fetch(&graces.bytes, bytes, __ATOMIC_SEQ_CST);
}

void grace_arm(struct grace *g)
{
	delay_step();
	graces_lock();
	if (!g->flush_at) {
		g->flush_at = os_clock() + conf.defer_age * 1000000ull;
		pthread_cond_signal(&g->wake);
	}
	if (!reclaimer_start(g))
		pthread_cond_broadcast(&graces.done);
	graces_unlock();
}

/* Waiting. ------------------------------------------------------------------------ */

bool grace_reading(const struct rcu_flavor_struct *flavor)
{
	return !bp_is_stranger(flavor) && flavor->read_ongoing();
}

bool grace_in_callback(void)
{
	return callbacks_of != NULL;
}

struct grace *grace_at_hand(void)
{
	return callbacks_of;
}

const char *grace_forbidden(const struct rcu_flavor_struct *flavor)
{
	bool reads;

	if (callbacks_of)
		return "from a callback that runs after a grace period";
	if (!grace_reading(flavor))
		return NULL;
	flavor->thread_offline();
	reads = grace_reading(flavor);
	flavor->thread_online();
	return reads ? "inside a read section" : NULL;
}

/*
 * What is waited for may hang on the grace periods of every flavor, and on a
 * callback; and a reader or a callback on a vector's lock.
 */
bool grace_may_wait(const struct rcu_flavor_struct *flavor)
{
	if (locks_outer)
		return false;
	for_each_grace (g)
		if (grace_reading(g->flavor))
			return false;
	return !callbacks_of && !grace_reading(flavor);
}

static bool has_work(const struct grace *g)
{
	return __atomic_load_n(&g->inbox, __ATOMIC_RELAXED) || g->flush_at;
}

/* Must the caller run the rounds of g, and may he? */
static bool is_orphan(struct grace *g)
{
	/* Of a flavor that he reads he would wait for himself. */
	return has_work(g) && !g->busy && !reclaimer_start(g) &&
	       !grace_reading(g->flavor);
}

/*
 * Without a thread of their own, somebody must run the rounds.  Lock held.
 * What is handed over goes first: where other CPUs may not be interrupted
 * there is always something left to flush.
 */
static bool work_without_thread(void)
{
	struct grace *orphan = NULL;

	for_each_grace (g) {
		if (!is_orphan(g))
			continue;
		orphan = g;
		if (__atomic_load_n(&g->inbox, __ATOMIC_RELAXED))
			break;
	}
	if (orphan)
		round_run(orphan, os_clock());
	return orphan;
}

/* Waits for somebody to get on, or gets on.  graces.lock is held. */
static void wait_step(void)
{
	for_each_grace (g)
		if (has_work(g) && g->due != 1) {
			g->due = 1;
			pthread_cond_signal(&g->wake);
		}
	if (!work_without_thread())
		cond_wait(&graces.done, 0);
}

void grace_wait_for(struct grace *g, bool (*test)(void *arg), void *arg)
{
	bool online = grace_reading(g->flavor);
	int cancel = os_cancel_off(); /* liburcu sleeps too */

	if (online)
		g->flavor->thread_offline();
	graces_lock();
	/* Sequentially consistent: see grace_tell(). */
	__atomic_fetch_add(&graces.waiters, 1, __ATOMIC_SEQ_CST);
	while (!test(arg))
		wait_step();
	__atomic_fetch_sub(&graces.waiters, 1, __ATOMIC_RELAXED);
	graces_unlock();
	if (online)
		g->flavor->thread_online();
	os_cancel_on(cancel);
}

static bool below_hard(void *arg)
{
	(void)arg;
	return bytes_now() <= graces.hard;
}

int grace_admit(struct grace *g)
{
	if (bytes_now() <= graces.hard)
		return 0;
	hurry(g);
	if (!conf.defer_wait || !grace_may_wait(g->flavor))
		return -EAGAIN;
	grace_wait_for(g, below_hard, NULL);
	return 0;
}

uint64_t grace_next(struct grace *g)
{
	/*
	 * A change, though of nothing: either the round that is named sees
	 * what the caller has done before, as its readers then do, or it is
	 * found begun here, and the next one is named.  A mere load could be
	 * done before the caller's stores are seen.
	 */
	return __atomic_fetch_add(&g->started, 0, __ATOMIC_ACQ_REL) + 1;
}

bool grace_ended(struct grace *g, uint64_t round)
{
	/* Acquire: pairs with round_run(); the readers of before are gone. */
	return __atomic_load_n(&g->ended, __ATOMIC_ACQUIRE) >= round;
}
