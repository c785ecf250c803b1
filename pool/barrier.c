/* SPDX-License-Identifier: MIT */
/*
 * pool/barrier.c - waiting until what was retired is put
 *
 * What was retired before is, when a barrier begins, in a record, in hand (of a
 * thread that has taken it from a record and not yet handed it over), or waits.
 * The barrier
 *
 *	1  flushes the records
 *	2  waits until everybody has handed over what was in hand then
 *	3  waits until as many magazines are done as were handed over by then
 *
 * For 3, in counts magazines before they are pushed and out those that are
 * done, and those of one struct retire are done in the order of pushes.  When
 * out has reached what in was, each that had been pushed by then is done: those
 * before it in the order are no more than in had counted.
 *
 * For 2, magazines in hand are counted on two sides, as readers are by SRCU.
 * Who takes one counts it on the side of the phase's parity; who waits raises
 * the phase whenever the other side is empty.  So that side takes nobody else
 * in, but for those who have read the phase and are late, and becomes empty
 * even where somebody retires at any time.  When the phase has been raised three
 * times since the flush, each side was found empty after the flush at least
 * once: the first raise may go back to a look from before it.
 *
 * So a barrier waits for its own pool, and not for what is retired after it has
 * begun.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <urcu/flavor.h>

#include "pool/waiting.h"
#include "slab/meta.h"
#include "sys/conf.h"
#include "sys/delay.h"
#include "sys/report.h"

enum {
	FENCE_TRIES = 1000
};

struct mark {
	struct retire *retire;
	uint32_t phase;
	uint64_t in;
};

/* Whoever raises the phase gets all who wait on. */
static bool handed_over(void *arg)
{
	const struct mark *m = arg;
	struct retire *r = m->retire;
	uint32_t phase;

	for (;;) {
		/* Acquires, both, what was pushed before a side was empty. */
		phase = __atomic_load_n(&r->phase, __ATOMIC_SEQ_CST);
		if ((int32_t)(phase - m->phase) >= 0)
			return true;
		if (__atomic_load_n(&r->in_hand[(phase + 1) & 1],
				    __ATOMIC_SEQ_CST))
			return false;
		delay_step();
		__atomic_compare_exchange_n(&r->phase, &phase, phase + 1, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	}
}

static bool passed(void *arg)
{
	const struct mark *m = arg;

	/* Acquires from on_done(); the rest is for grace_tell(). */
	return __atomic_load_n(&m->retire->out, __ATOMIC_SEQ_CST) >= m->in;
}

static bool none_left(void *arg)
{
	struct percu_pool *p = arg;

	return !__atomic_load_n(&p->left, __ATOMIC_SEQ_CST);
}

static void wait_until(struct grace *g, bool (*test)(void *arg), void *arg)
{
	if (!test(arg))
		grace_wait_for(g, test, arg);
}

/*
 * The records are flushed.  All of the pool's that had left them, and all that
 * was left: where there was no memory for a struct retire, too.
 */
static void wait_flushed(struct percu_pool *p)
{
	for_each_retire (r, p) {
		struct mark m = { .retire = r };

		m.phase = __atomic_load_n(&r->phase, __ATOMIC_SEQ_CST) + 3;
		wait_until(r->grace, handed_over, &m);
		m.in = __atomic_load_n(&r->in, __ATOMIC_RELAXED);
		wait_until(r->grace, passed, &m);
	}
	if (!none_left(p))
		grace_wait_for(left_grace(p), none_left, p);
}

/* Everything of the pool's: 0, or -errno if the other CPUs keep theirs. */
static int wait_all(struct percu_pool *p)
{
	struct which w = { .pool = p };
	int err, tries = 0;

	do {
		w.starved = false;
		err = retire_flush(&w);
		wait_flushed(p);
		/* What is done has given magazines back. */
	} while (err && ++tries < FENCE_TRIES && !sched_yield());
	return err;
}

static bool is_retired_to(struct percu_pool *p)
{
	return __atomic_load_n(&p->retire.flavor, __ATOMIC_RELAXED) ||
	       !none_left(p);
}

static void wait_check_flavor(struct percu_pool *p, const char *what,
			      const struct rcu_flavor_struct *flavor)
{
	const char *forbidden = grace_forbidden(flavor);

	if (forbidden)
		report_misuse("pool %s: %s %s", p->name, what, forbidden);
}

/* Would it wait for itself? */
static void wait_check(struct percu_pool *p, const char *what)
{
	for_each_retire (r, p)
		wait_check_flavor(p, what, r->flavor);
	if (!none_left(p))
		wait_check_flavor(p, what, left_grace(p)->flavor);
}

static void pool_barrier(struct percu_pool *pool)
{
	int err;

	wait_check(pool, "percu_pool_barrier()");
	parked_wait(pool);
	err = wait_all(pool);
	if (err)
		report_warn("pool %s: what was retired on other CPUs stays: %s",
			    pool->name,
			    err == -ENOMEM ?
				    "there is no memory to collect it" :
				    "they cannot be interrupted");
}

PERCU_API void percu_pool_barrier(struct percu_pool *pool)
{
	pool_check(pool, "barrier");
	pool_barrier(pool);
}

/* A pool that another thread is ending goes no further while it is held. */
PERCU_API void percu_barrier(void)
{
	struct percu_pool *p = NULL;

	pool_init();
	parked_wait(NULL);
	while ((p = pool_next(p)))
		if (is_retired_to(p))
			pool_barrier(p);
}

/*
 * A get is about to fail for want of memory: true if the pool has objects that
 * wait, and they have been waited for.  As above the hard mark: nobody waits
 * who may not.
 */
bool retire_hurry(struct percu_pool *p)
{
	const struct rcu_flavor_struct *flavor =
		__atomic_load_n(&p->retire.flavor, __ATOMIC_RELAXED);
	uint64_t waiting;

	retire_count(p, &waiting);
	return waiting && flavor && conf.defer_wait && grace_may_wait(flavor) &&
	       wait_all(p) == 0;
}

/* The pool ends: nothing of it waits after this.  0 or -errno. */
int retire_end(struct percu_pool *p)
{
	if (!is_retired_to(p))
		return 0;
	wait_check(p, "percu_pool_destroy()");
	return wait_all(p);
}

static void retire_dispose(struct retire *r)
{
	for_each_open (r, i) {
		struct record *rec = record_at(r->records, i);

		if (rec->spare)
			magazine_free(r->pool, rec->spare);
		memset(rec, 0, retire_bytes(r->pool));
		meta_account(-(ptrdiff_t)retire_bytes(r->pool));
	}
	if (r->records)
		records_free(r->records, retire_bytes(r->pool));
	meta_free(r->open, bitmap_bytes());
	list_del(&r->all);
}

/* The pool has ended and nothing waits. */
void retire_empty(struct percu_pool *p)
{
	struct retire *r, *next;

	if (!p->retire.flavor)
		return;
	lock_take(&pools.age, LOCK_AGE);
	for (r = &p->retire; r; r = next) {
		next = r->next;
		retire_stop(r);
		retire_dispose(r);
		if (r != &p->retire)
			meta_free(r, sizeof(*r));
	}
	p->retire.next = NULL;
	p->retire.records = NULL;
	p->retire.open = NULL;
	lock_give(&pools.age, LOCK_AGE);
}
