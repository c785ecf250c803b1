/* SPDX-License-Identifier: MIT */
/*
 * pool/age.c - stopping pools, draining records, ageing
 *
 * Stopping.  To touch the records of other CPUs, the drainer (1) publishes
 * the dummy as the pool's base, (2) fences: membarrier aborts every sequence
 * that is under way on a CPU, and orders (1) before every sequence that starts
 * after, so that each of these finds the dummy, empty and full, and misses;
 * (3) works on the records with plain loads and stores; (4) publishes the base
 * again, releasing (3).  One fence serves any number of pools.  On the lock
 * path the fence is to take and give each record's lock once, see
 * record_lock().  If the fence fails nothing is touched and nothing drained.
 *
 *	drainer					thread on a CPU
 *	base = dummy (release)			arm
 *	membarrier(RSEQ)			load base
 *	records are the drainer's		load word, slot
 *	base = records (release)		store word (commit)
 *
 * A thread that loaded the old base is armed; the fence restarts it.  One that
 * armed after the fence loads the dummy.  So none commits between (2) and (4).
 *
 * Ageing is Go's: all that is idle becomes the victim, and what was the victim
 * and still is is destroyed.  An object survives one cycle and not two.
 *
 * The age lock is held from (1) to (4) and never over a callback: condemned
 * objects are destroyed after it, with the pool marked busy so that it cannot
 * end meanwhile.
 */
#include <errno.h>

#include "pool/pool.h"
#include "slab/heap.h"
#include "sys/cpu.h"
#include "sys/delay.h"
#include "sys/report.h"

void pool_stop(struct percu_pool *p)
{
	p->stopped = true;
	__atomic_store_n(p->hot, p->dummy, __ATOMIC_RELEASE);
	delay_step();
	/* Before the bitmap of open records is read: see record_lock(). */
	__atomic_store_n(&p->inner.base, p->dummy, __ATOMIC_SEQ_CST);
}

void pool_start(struct percu_pool *p)
{
	char *base = p->records ? p->records : p->dummy;

	if (p->ended)
		return;
	p->stopped = false;
	__atomic_store_n(&p->inner.base, base, __ATOMIC_RELEASE);
	delay_step();
	if (cpu_info.rseq && !p->checked)
		__atomic_store_n(p->hot, base, __ATOMIC_RELEASE);
}

#define for_each_open(p, index)                                             \
	for (uint32_t index = 0; (p)->records && index < cpu_info.possible; \
	     index++)                                                       \
		if (__atomic_load_n(&(p)->open[index / 64],                 \
				    __ATOMIC_SEQ_CST) >>                    \
			    index % 64 &                                    \
		    1)

static void lockpath_quiesce(struct percu_pool *p)
{
	for_each_open (p, i) {
		struct record *r = record_at(p->records, i);

		lock_take(&r->lock, LOCK_RECORD);
		lock_give(&r->lock, LOCK_RECORD);
	}
}

/* Step (2), for all stopped pools, or for only one.  0 or -errno. */
int pools_quiesce(struct percu_pool *only)
{
	if (cpu_info.rseq)
		return cpu_fence();
	if (only) {
		lockpath_quiesce(only);
		return 0;
	}
	list_for_each (l, &pools.list)
		lockpath_quiesce(list_entry(l, struct percu_pool, pools));
	return 0;
}

/* Without asking for memory if it can be: the record's spare, the depot's. */
static struct magazine *magazine_obtain(struct percu_pool *p, struct record *r)
{
	struct magazine *m =
		__atomic_exchange_n(&r->spare, NULL, __ATOMIC_ACQ_REL);

	if (!m)
		m = depot_empty(p);
	return m ? m : magazine_new(p);
}

/*
 * Step (3): what the records hold, as checked-in magazines.  Where there is
 * no memory for a magazine the record keeps the rest.  How many objects.
 */
static size_t drain(struct percu_pool *p, struct list *magazines)
{
	struct magazine *m;
	size_t total = 0;

	for_each_open (p, i) {
		struct record *r = record_at(p->records, i);

		delay_step();
		record_drain(r, NULL, 0);
		while (r->word & PERCU_WORD_COUNT &&
		       (m = magazine_obtain(p, r))) {
			m->count =
				(uint32_t)record_drain(r, m->slot, p->magazine);
			magazine_check_in(p, m->slot, m->count);
			total += m->count;
			list_add(&m->list, magazines);
		}
	}
	return total;
}

/* Steps (3) and (4) of one ageing. */
static void age_stopped(struct percu_pool *p, bool all)
{
	struct list drained;

	list_init(&drained);
	drain(p, &drained);
	delay_step();
	for_each_open (p, i)
		record_relax(p, i);
	pool_start(p);
	delay_step();
	depot_age(p, &drained, all);
}

/* Destroys what is condemned, but for the reserve. */
void pool_bury(struct percu_pool *p, uint64_t idle_since)
{
	struct list condemned, kept;
	size_t nkept = 0;

	list_init(&condemned);
	list_init(&kept);
	lock_take(&p->depot.lock, LOCK_DEPOT);
	list_splice(&p->condemned, &condemned);
	lock_give(&p->depot.lock, LOCK_DEPOT);
	while (!list_empty(&condemned)) {
		struct magazine *m =
			list_entry(condemned.next, struct magazine, list);
		size_t gone = pool_spare(p, m->count);

		list_del(&m->list);
		m->count -= (uint32_t)gone;
		magazine_check_out(p, m->slot + m->count, gone);
		pool_unmake(p, m->slot + m->count, gone, idle_since);
		nkept += m->count;
		if (m->count)
			list_add(&m->list, &kept);
		else
			magazine_free(p, m);
	}
	if (nkept)
		depot_add(p, &kept, nkept);
	depot_release_spares(p);
	if (!p->foreign)
		slab_trim(&p->slab, idle_since);
}

void pool_busy_enter(struct percu_pool *p)
{
	lock_take(&pools.list_lock, LOCK_POOLS);
	p->busy++;
	lock_give(&pools.list_lock, LOCK_POOLS);
}

void pool_busy_leave(struct percu_pool *p)
{
	lock_take(&pools.list_lock, LOCK_POOLS);
	if (--p->busy == 0)
		pthread_cond_broadcast(&pools.idle);
	lock_give(&pools.list_lock, LOCK_POOLS);
}

/* The pool after p (NULL: the first), held busy; p is let go. */
struct percu_pool *pool_next(struct percu_pool *p)
{
	struct list *next;

	lock_take(&pools.list_lock, LOCK_POOLS);
	next = p ? p->pools.next : pools.list.next;
	if (p && --p->busy == 0)
		pthread_cond_broadcast(&pools.idle);
	p = NULL;
	if (next != &pools.list) {
		p = list_entry(next, struct percu_pool, pools);
		p->busy++;
	}
	lock_give(&pools.list_lock, LOCK_POOLS);
	return p;
}

static size_t age_one(struct percu_pool *p, bool all)
{
	size_t bytes;

	pool_check(p, all ? "shrink" : "age");
	parked_place();
	pool_busy_enter(p);
	lock_take(&pools.age, LOCK_AGE);
	pool_stop(p);
	delay_step();
	if (pools_quiesce(p) == 0) {
		delay_step();
		depot_condemn(p);
		age_stopped(p, all);
	} else {
		pool_start(p);
	}
	lock_give(&pools.age, LOCK_AGE);
	pool_bury(p, 0);
	lock_take(&pools.age, LOCK_AGE);
	bytes = heap_release();
	lock_give(&pools.age, LOCK_AGE);
	pool_busy_leave(p);
	return bytes;
}

PERCU_API size_t percu_pool_age(struct percu_pool *pool)
{
	return age_one(pool, false);
}

PERCU_API size_t percu_pool_shrink(struct percu_pool *pool)
{
	return age_one(pool, true);
}

/* Every pool is stopped, drained and started; the todo list is left. */
static void age_all(struct list *todo)
{
	lock_take(&pools.age, LOCK_AGE);
	lock_take(&pools.list_lock, LOCK_POOLS);
	list_for_each (l, &pools.list)
		pool_stop(list_entry(l, struct percu_pool, pools));
	delay_step();
	if (pools_quiesce(NULL) == 0) {
		delay_step();
		/* First all the room that there will be. */
		list_for_each (l, &pools.list)
			depot_condemn(list_entry(l, struct percu_pool, pools));
		list_for_each (l, &pools.list) {
			struct percu_pool *p =
				list_entry(l, struct percu_pool, pools);
			age_stopped(p, false);
			/* Where another ageing is at work, it will bury. */
			if (list_empty(&p->todo))
				list_add_tail(&p->todo, todo);
		}
	} else {
		list_for_each (l, &pools.list)
			pool_start(list_entry(l, struct percu_pool, pools));
	}
	lock_give(&pools.list_lock, LOCK_POOLS);
	lock_give(&pools.age, LOCK_AGE);
}

static struct percu_pool *todo_next(struct list *todo)
{
	struct percu_pool *p = NULL;

	lock_take(&pools.list_lock, LOCK_POOLS);
	if (!list_empty(todo)) {
		p = list_entry(todo->next, struct percu_pool, todo);
		list_del(&p->todo);
		p->busy++;
	}
	lock_give(&pools.list_lock, LOCK_POOLS);
	return p;
}

PERCU_API size_t percu_age(void)
{
	struct percu_pool *p;
	struct list todo;
	size_t bytes;

	pool_init();
	parked_place();
	list_init(&todo);
	age_all(&todo);
	while ((p = todo_next(&todo))) {
		pool_bury(p, 0);
		pool_busy_leave(p);
	}
	counter_add(&pools.ages, 1);
	lock_take(&pools.age, LOCK_AGE);
	bytes = heap_age(false);
	lock_give(&pools.age, LOCK_AGE);
	return bytes;
}

/*
 * All that lies in records goes to the depot, where a get that is about to
 * fail finds it.  How many objects the depot has then, or -errno if it has
 * none and there was no fence to look further.
 */
ssize_t pool_gather(struct percu_pool *p)
{
	struct list drained;
	size_t n = 0;
	int err;

	list_init(&drained);
	lock_take(&pools.age, LOCK_AGE);
	pool_stop(p);
	delay_step();
	err = pools_quiesce(p);
	delay_step();
	if (!err)
		n = drain(p, &drained);
	pool_start(p);
	lock_give(&pools.age, LOCK_AGE);
	delay_step();
	depot_add(p, &drained, n);
	lock_take(&p->depot.lock, LOCK_DEPOT);
	n = p->depot.nobj;
	lock_give(&p->depot.lock, LOCK_DEPOT);
	return n ? (ssize_t)n : err;
}

/*
 * More was put than got.  Gathering looks at each object that waits, and finds
 * which one does so twice; of foreign ones the numbers are all that is known.
 */
static __attribute__((noinline, noreturn, cold)) void
pool_overfull(struct percu_pool *p, const struct pool_sums *sum)
{
	pool_gather(p);
	report_misuse("pool %s: more objects were put (%llu) than got (%llu)",
		      p->name, (unsigned long long)sum->puts,
		      (unsigned long long)sum->gets);
}

/*
 * Stops the pool for good, or does nothing and says why: -EBUSY if objects
 * are out.
 */
int pool_end(struct percu_pool *p)
{
	struct pool_sums sum;
	int err;

	lock_take(&pools.age, LOCK_AGE);
	pool_stop(p);
	/* Without records there is no sequence to wait for. */
	err = p->records ? pools_quiesce(p) : 0;
	if (!err) {
		pool_sum(p, &sum);
		/* What is retired to a release pool was never got from it. */
		err = p->release || sum.gets == sum.puts ? 0 : -EBUSY;
	}
	if (!err) {
		p->ended = true;
		__atomic_store_n(&p->magic, POOL_DEAD, __ATOMIC_RELEASE);
	}
	pool_start(p);
	lock_give(&pools.age, LOCK_AGE);
	if (err == -EBUSY && sum.puts > sum.gets)
		pool_overfull(p, &sum);
	return err;
}

/* The pool has ended and nobody else knows it: all that it has is unmade. */
void pool_empty(struct percu_pool *p)
{
	void *objs[RECORD_MAX];
	struct list none;
	size_t n;

	list_init(&none);
	for_each_open (p, i) {
		struct record *r = record_at(p->records, i);

		while ((n = record_drain(r, objs, RECORD_MAX)))
			pool_unmake(p, objs, pool_spare(p, n), 0);
		if (r->spare)
			magazine_free(p, r->spare);
		record_close(p, i);
	}
	lock_take(&pools.age, LOCK_AGE);
	if (p->records)
		records_free(p->records, record_bytes(p));
	p->records = NULL;
	lock_give(&pools.age, LOCK_AGE);
	depot_condemn(p);
	depot_age(p, &none, true);
	pool_bury(p, 0);
}
