/* SPDX-License-Identifier: MIT */
/*
 * pool/flush.c - what retire records hold becomes magazines that wait
 *
 * As ageing does with the records of a pool (pool/age.c): the dummy is
 * published as the base, one fence ends the sequences under way, then the
 * records are the caller's, then the base is published again.  A record that
 * was emptied is closed, so that the next retirement there opens it and arms
 * the next flush: see pool/retire.c.
 *
 * The reclaimer flushes the armed ones of its flavor; who waits for a pool
 * flushes all of that pool.
 *
 * Lock order: age, then the depot's of the pool at hand.
 */
#include <errno.h>
#include <string.h>

#include "pool/waiting.h"
#include "sys/delay.h"

static bool is_wanted(struct retire *r, const struct which *w)
{
	if (w->pool)
		return r->pool == w->pool;
	return r->grace == w->grace &&
	       __atomic_load_n(&r->armed, __ATOMIC_SEQ_CST);
}

/*
 * (A), stopped.  Objects for which there is no magazine are left; a record
 * keeps those for which there is no room among what is left.
 */
static void drain_record(struct retire *r, struct record *rec, struct which *w,
			 struct grace_wait **taken)
{
	struct magazine *m;

	while (rec->word & PERCU_WORD_COUNT) {
		m = retire_magazine(r, rec);
		if (!m && left_move(r, rec)) {
			w->left = true;
			continue;
		}
		if (!m) {
			w->starved = true;
			/* The next flush is to find it. */
			__atomic_store_n(&r->armed, true, __ATOMIC_SEQ_CST);
			return;
		}
		retire_enter(r, m);
		delay_step();
		m->count =
			(uint32_t)record_drain(rec, m->slot, r->pool->magazine);
		magazine_check_in(r->pool, m->slot, m->count);
		m->retire = r;
		m->wait.site = __atomic_load_n(&r->site, __ATOMIC_RELAXED);
		m->wait.next = *taken;
		*taken = &m->wait;
	}
	delay_step();
	__atomic_store_n(&rec->capacity, 0, __ATOMIC_RELEASE);
}

static void take_partial(struct retire *r, struct grace_wait **taken)
{
	struct magazine *m;

	lock_take(&r->pool->depot.lock, LOCK_DEPOT);
	m = r->partial;
	r->partial = NULL;
	if (m)
		retire_enter(r, m);
	lock_give(&r->pool->depot.lock, LOCK_DEPOT);
	if (!m)
		return;
	m->retire = r;
	m->wait.next = *taken;
	*taken = &m->wait;
}

void quiesce_record(struct record *rec)
{
	lock_take(&rec->lock, LOCK_RECORD);
	lock_give(&rec->lock, LOCK_RECORD);
}

/* (A).  0, or -errno and then nothing is stopped. */
static int stop_wanted(const struct which *w)
{
	bool any = false;
	int err = 0;

	list_for_each (l, &retires)
		if (is_wanted(to_retire(l), w)) {
			retire_stop(to_retire(l));
			any = true;
		}
	delay_step();
	if (any && cpu_info.rseq)
		err = cpu_fence();
	list_for_each (l, &retires) {
		struct retire *r = to_retire(l);

		if (r->stopped && err)
			retire_start(r);
		if (!r->stopped || cpu_info.rseq)
			continue;
		for_each_open (r, i)
			quiesce_record(record_at(r->records, i));
	}
	return err;
}

/*
 * (A).  Disarmed first: who arms after that calls the next flush, and of who
 * armed before that the record is found open here.
 */
static void drain_stopped(struct which *w, struct grace_wait **taken)
{
	list_for_each (l, &retires) {
		struct retire *r = to_retire(l);

		if (!r->stopped)
			continue;
		__atomic_store_n(&r->armed, false, __ATOMIC_SEQ_CST);
		delay_step();
		take_partial(r, taken);
		for_each_open (r, i)
			drain_record(r, record_at(r->records, i), w, taken);
		retire_start(r);
	}
}

/* The magazine begins with what waits. */
static_assert(offsetof(struct magazine, wait) == 0, "one pointer for both");

static void hand_over_all(struct grace_wait *taken)
{
	struct magazine *m;

	while ((m = (struct magazine *)taken)) {
		taken = m->wait.next;
		retire_hand_over(m->retire, m);
	}
}

/* For what is left, in records or out of them, somebody must come again. */
static void arm_again(const struct which *w)
{
	if (!w->pool)
		grace_arm(w->grace);
	else
		for_each_retire (r, w->pool)
			grace_arm(r->grace);
}

/* 0; -errno where other CPUs may not be interrupted; -ENOMEM. */
int retire_flush(struct which *w)
{
	struct grace_wait *taken = NULL;
	int err;

	lock_take(&pools.age, LOCK_AGE);
	err = stop_wanted(w);
	delay_step();
	if (!err)
		drain_stopped(w, &taken);
	lock_give(&pools.age, LOCK_AGE);
	delay_step();
	hand_over_all(taken);
	if (!err && w->starved)
		err = -ENOMEM;
	if (err || w->left)
		arm_again(w);
	return err;
}

/* Fork: the age lock is held, and the fence is the caller's. ---------------------------------- */

void retire_stop_all(void)
{
	list_for_each (l, &retires)
		retire_stop(to_retire(l));
}

void retire_start_all(void)
{
	list_for_each (l, &retires)
		retire_start(to_retire(l));
}

/* Lock path: waits for each record once, as lockpath_quiesce() does. */
void retire_quiesce(void)
{
	list_for_each (l, &retires)
		for_each_open (to_retire(l), i)
			quiesce_record(record_at(to_retire(l)->records, i));
}

/*
 * The child.  Magazines that other threads had in their hands are lost, so what
 * is in and what waits is counted anew; grace.c adds the others.  There is no
 * reclaimer: records are closed, as they are, so that the next retirement opens
 * one and arms the flush, which starts it.
 */
void retire_after_fork(void)
{
	__atomic_store_n(&graces.bytes, 0, __ATOMIC_RELAXED);
	list_for_each (l, &retires) {
		struct retire *r = to_retire(l);

		for_each_open (r, i) {
			lock_init(&record_at(r->records, i)->lock);
			record_at(r->records, i)->capacity = 0;
		}
		r->in = r->out;
		r->in_hand[0] = r->in_hand[1] = 0;
		r->armed = false;
		retire_start(r);
	}
	reclaim_after_fork();
	left_after_fork();
}
