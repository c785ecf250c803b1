/* SPDX-License-Identifier: MIT */
/*
 * pool/depot.c - a pool's shared store of magazines
 *
 * Objects come to the depot and leave it by the magazine: one lock for many
 * objects, and what they are copied from and to is touched outside the lock.
 * An empty magazine waits as the spare of the record that will need it next,
 * so that a visit takes the lock once: to leave a full one and take an empty
 * one, or the other way round.
 *
 * The depots of all pools share one budget of bytes.  Over it, objects go
 * back to where they were made instead.
 *
 * What comes back from readers is counted apart (ripe): as many objects as
 * wait for readers will be wanted again while the next ones wait.  Ripe
 * magazines and those that wait stay below the hard mark together; when
 * nothing is retired any more the ripe ones have to fit the budget.
 *
 * Locks: the depot's.  Everything that may call back runs outside it.
 */
#include <errno.h>
#include <string.h>

#include "pool/pool.h"
#include "slab/heap.h"
#include "sys/delay.h"

void depot_init(struct depot *d)
{
	lock_init(&d->lock);
	list_init(&d->full);
	list_init(&d->victim);
	list_init(&d->empty);
}

/* Room for n objects in the depots' budget? */
static bool budget_take(struct percu_pool *p, size_t n)
{
	uint64_t bytes = (uint64_t)n * p->weight;

	if (__atomic_add_fetch(&pools.depot_bytes, bytes, __ATOMIC_RELAXED) <=
	    pools.depot_max)
		return true;
	__atomic_fetch_sub(&pools.depot_bytes, bytes, __ATOMIC_RELAXED);
	return false;
}

static void budget_give(struct percu_pool *p, size_t n)
{
	__atomic_fetch_sub(&pools.depot_bytes, (uint64_t)n * p->weight,
			   __ATOMIC_RELAXED);
}

/* n objects of the magazine leave the depot.  (d) */
static void uncount(struct percu_pool *p, const struct magazine *m, size_t n)
{
	if (m->retire)
		p->depot.ripe -= n;
	else
		budget_give(p, n);
}

/* Takes the lock; says whether it had to be waited for. */
static bool depot_lock(struct depot *d)
{
	if (lock_try(&d->lock, LOCK_DEPOT))
		return false;
	lock_take(&d->lock, LOCK_DEPOT);
	return true;
}

static struct magazine *first(struct list *head)
{
	if (list_empty(head))
		return NULL;
	return list_entry(head->next, struct magazine, list);
}

static struct magazine *pop(struct list *head)
{
	struct magazine *m = first(head);

	if (m)
		list_del(&m->list);
	return m;
}

/* An empty magazine is left over: r's spare, or back to the others. */
static void magazine_emptied(struct percu_pool *p, struct record *r,
			     struct magazine *m)
{
	m->retire = NULL;
	m = spare_swap(r, m);
	if (!m)
		return;
	delay_step();
	lock_take(&p->depot.lock, LOCK_DEPOT);
	list_add(&m->list, &p->depot.empty);
	lock_give(&p->depot.lock, LOCK_DEPOT);
}

/*
 * Up to *n objects of one magazine, the warmest first to come.  False if the
 * depot has none.  They are in the array at *objs, or where *objs points to
 * then, in a whole magazine that the caller gives to depot_emptied() when it
 * has placed them.  r (may be NULL): the record that they are for.
 */
bool depot_take(struct percu_pool *p, struct record *r, void ***objs, size_t *n,
		struct magazine **whole, bool *contended)
{
	struct depot *d = &p->depot;
	struct magazine *m, *spare = spare_swap(r, NULL);
	size_t want = *n;

	*whole = NULL;
	delay_step();
	*contended = depot_lock(d);
	d->visits++;
	if (spare)
		list_add(&spare->list, &d->empty);
	m = first(&d->full);
	if (!m)
		m = first(&d->victim);
	if (!m) {
		lock_give(&d->lock, LOCK_DEPOT);
		return false;
	}
	if (m->count <= want) {
		want = m->count;
		list_del(&m->list);
		*whole = m;
		*objs = m->slot;
	} else { /* a part of it, and it stays */
		m->count -= (uint32_t)want;
		memcpy(*objs, &m->slot[m->count], want * sizeof(**objs));
	}
	d->nobj -= want;
	uncount(p, m, want);
	lock_give(&d->lock, LOCK_DEPOT);
	delay_step();
	magazine_check_out(p, *objs, want);
	*n = want;
	return true;
}

/* What depot_take() gave is placed; m may be NULL. */
void depot_emptied(struct percu_pool *p, struct record *r, struct magazine *m)
{
	if (!m)
		return;
	m->count = 0;
	magazine_emptied(p, r, m);
}

/* A few objects: into the magazine on top, if there is room in it. */
static bool store_few(struct percu_pool *p, void *const *objs, size_t n)
{
	struct depot *d = &p->depot;
	struct magazine *m;
	bool stored = false;

	lock_take(&d->lock, LOCK_DEPOT);
	m = first(&d->full);
	if (m && !m->retire && m->count + n <= p->magazine) {
		memcpy(&m->slot[m->count], objs, n * sizeof(*objs));
		m->count += (uint32_t)n;
		d->nobj += n;
		d->visits++;
		stored = true;
	}
	lock_give(&d->lock, LOCK_DEPOT);
	return stored;
}

/* An empty magazine that the depot has, or NULL. */
struct magazine *depot_empty(struct percu_pool *p)
{
	struct magazine *m;

	lock_take(&p->depot.lock, LOCK_DEPOT);
	m = pop(&p->depot.empty);
	lock_give(&p->depot.lock, LOCK_DEPOT);
	return m;
}

/* For who fills it himself: an empty magazine, or NULL. */
struct magazine *depot_obtain(struct percu_pool *p)
{
	struct magazine *m = depot_empty(p);

	return m ? m : magazine_new(p);
}

/* One that depot_obtain() gave, and that is empty again. */
void depot_return(struct percu_pool *p, struct magazine *m)
{
	m->count = 0;
	magazine_emptied(p, NULL, m);
}

static struct magazine *empty_obtain(struct percu_pool *p, struct record *r)
{
	struct magazine *m = r ? spare_swap(r, NULL) : NULL;

	return m ? m : depot_obtain(p);
}

/* Lays in n empty magazines: 0 or -ENOMEM. */
int depot_stock(struct percu_pool *p, size_t n)
{
	struct magazine *m;

	while (n--) {
		m = magazine_new(p);
		if (!m)
			return -ENOMEM;
		magazine_emptied(p, NULL, m);
	}
	return 0;
}

/* A magazine with objects, checked in, becomes the depot's. */
static void magazine_store(struct percu_pool *p, struct record *r,
			   struct magazine *m, bool *contended)
{
	struct depot *d = &p->depot;
	struct magazine *spare;

	delay_step();
	*contended = depot_lock(d);
	d->visits++;
	list_add(&m->list, &d->full);
	d->nobj += m->count;
	spare = r ? pop(&d->empty) : NULL;
	lock_give(&d->lock, LOCK_DEPOT);
	if (spare)
		magazine_emptied(p, r, spare);
}

/* From this CPU's record, n that were counted at most; how many. */
static size_t magazine_fill(struct percu_pool *p, struct record *r,
			    struct magazine *m, size_t n, bool *contended)
{
	size_t taken = record_take(p, m->slot, n, RECORD_MOVE);

	if (unlikely(taken < n))
		budget_give(p, n - taken);
	m->count = (uint32_t)taken;
	if (unlikely(!taken)) {
		magazine_emptied(p, r, m);
		return 0;
	}
	magazine_check_in(p, m->slot, taken);
	magazine_store(p, r, m, contended); /* it is anybody's from here on */
	return taken;
}

/*
 * At most a magazine full of objects comes to the depot; the coldest first.
 * Over the budget, or without memory for a magazine, they are unmade instead.
 */
void depot_store(struct percu_pool *p, struct record *r, void *const *objs,
		 size_t n, bool *contended)
{
	struct magazine *m;
	size_t over;

	*contended = false;
	if (!budget_take(p, n)) {
		over = pool_spare(p, n);
		pool_unmake(p, objs, over, heap_cycle());
		objs += over;
		n -= over;
		if (!n)
			return;
		/* Foreign objects of the reserve have no other place to be. */
		counter_add(&pools.depot_bytes, (uint64_t)n * p->weight);
	}
	magazine_check_in(p, objs, n);
	delay_step();
	if (n <= p->magazine / 2 && store_few(p, objs, n))
		return;
	m = empty_obtain(p, r);
	if (!m) {
		budget_give(p, n);
		magazine_check_out(p, objs, n);
		/* A reserve has magazines enough: all these are spare. */
		over = pool_spare(p, n);
		if (unlikely(over < n))
			counter_add(&p->unmade, n - over);
		pool_unmake(p, objs, n, heap_cycle());
		return;
	}
	memcpy(m->slot, objs, n * sizeof(*objs));
	m->count = (uint32_t)n;
	magazine_store(p, r, m, contended);
}

/*
 * Moves n objects of this CPU's record to the depot, or fewer; how many.  They
 * come from its top, into the magazine as they are: one copy, where to take the
 * colder ones from below would be three, and a magazine's worth of either is
 * not much of a cache.  A few are moved as any others are.
 */
size_t depot_spill(struct percu_pool *p, struct record *r, size_t n,
		   bool *contended)
{
	void *objs[MAGAZINE_MAX];
	struct magazine *m;

	if (n > p->magazine / 2 && budget_take(p, n)) {
		m = empty_obtain(p, r);
		if (m)
			return magazine_fill(p, r, m, n, contended);
		budget_give(p, n);
	}
	n = record_take(p, objs, n, RECORD_MOVE);
	if (n)
		depot_store(p, r, objs, n, contended);
	return n;
}

/*
 * What this CPU's record holds goes to the depot, or to the slab where the
 * budget is used up.  Where that would run a callback, it stays.  r: whose
 * spare may be used.
 */
void depot_keep(struct percu_pool *p, struct record *r)
{
	uint64_t most = (uint64_t)p->capacity_max * p->weight;
	void *objs[MAGAZINE_MAX];
	struct magazine *m;
	struct list one;
	bool contended;
	size_t n;

	if (!p->foreign && !p->attr.dtor) {
		while ((n = record_take(p, objs, p->magazine, RECORD_MOVE)))
			depot_store(p, r, objs, n, &contended);
		return;
	}
	if (counter_read(&pools.depot_bytes) + most > pools.depot_max)
		return;
	while ((m = empty_obtain(p, r))) {
		m->count = (uint32_t)record_take(p, m->slot, p->magazine,
						 RECORD_MOVE);
		if (!m->count) {
			magazine_emptied(p, NULL, m);
			return;
		}
		magazine_check_in(p, m->slot, m->count);
		list_init(&one);
		list_add(&m->list, &one);
		depot_add(p, &one, m->count);
	}
}

/* Magazines with nobj objects, checked in, become the depot's. */
void depot_add(struct percu_pool *p, struct list *magazines, size_t nobj)
{
	/* Already on their way: over the budget until the next ageing. */
	__atomic_fetch_add(&pools.depot_bytes, (uint64_t)nobj * p->weight,
			   __ATOMIC_RELAXED);
	delay_step();
	lock_take(&p->depot.lock, LOCK_DEPOT);
	list_splice(magazines, &p->depot.full);
	p->depot.nobj += nobj;
	lock_give(&p->depot.lock, LOCK_DEPOT);
}

/* For magazines that come back: over the budget their objects are unmade. */
static void magazine_unload(struct percu_pool *p, struct magazine *m)
{
	void *objs[MAGAZINE_MAX];
	size_t n = m->count;
	bool contended;

	memcpy(objs, m->slot, n * sizeof(*objs));
	magazine_check_out(p, objs, n);
	depot_return(p, m);
	depot_store(p, NULL, objs, n, &contended);
}

/*
 * Is there room for so many bytes more that are ripe?  Their sum over all
 * depots is kept by who brings them back: it may say more than there are.
 */
static bool ripe_room(uint64_t bytes)
{
	return counter_read(&pools.ripe_bytes) + bytes +
		       counter_read(&graces.bytes) <=
	       graces.hard;
}

/* What the pool has of them is counted anew.  (d) */
static void ripe_count(struct percu_pool *p)
{
	struct depot *d = &p->depot;

	__atomic_fetch_add(&pools.ripe_bytes,
			   (d->ripe - d->ripe_counted) * p->weight,
			   __ATOMIC_RELAXED);
	d->ripe_counted = d->ripe;
}

/* Magazines whose objects are checked in, and have waited for readers. */
void depot_receive(struct percu_pool *p, struct list *magazines)
{
	struct depot *d = &p->depot;
	struct magazine *m;
	struct list kept;
	size_t n = 0;

	list_init(&kept);
	while ((m = pop(magazines))) {
		if (ripe_room((uint64_t)(n + m->count) * p->weight)) {
			n += m->count;
			list_add(&m->list, &kept);
		} else {
			magazine_unload(p, m);
		}
	}
	delay_step();
	lock_take(&d->lock, LOCK_DEPOT);
	if (n) {
		list_splice(&kept, &d->full);
		d->nobj += n;
		d->ripe += n;
		d->visits++;
	}
	ripe_count(p);
	lock_give(&d->lock, LOCK_DEPOT);
}

/* Nothing is retired to the pool any more: what is ripe has to fit the budget. */
void depot_trim(struct percu_pool *p)
{
	struct depot *d = &p->depot;
	struct list *l, *next, over;
	struct magazine *m;

	list_init(&over);
	lock_take(&d->lock, LOCK_DEPOT);
	for (l = d->full.next; l != &d->full; l = next) {
		next = l->next;
		m = list_entry(l, struct magazine, list);
		if (!m->retire)
			continue;
		uncount(p, m, m->count);
		m->retire = NULL;
		if (budget_take(p, m->count))
			continue;
		d->nobj -= m->count;
		list_del(l);
		list_add(l, &over);
	}
	ripe_count(p);
	lock_give(&d->lock, LOCK_DEPOT);
	while ((m = pop(&over)))
		magazine_unload(p, m);
}

/* These magazines leave the depot: how many objects.  (d) */
static size_t uncount_all(struct percu_pool *p, struct list *head)
{
	size_t n = 0;

	list_for_each (l, head) {
		struct magazine *m = list_entry(l, struct magazine, list);

		uncount(p, m, m->count);
		m->retire = NULL;
		n += m->count;
	}
	return n;
}

/* The victims are condemned, which leaves room in the budget. */
void depot_condemn(struct percu_pool *p)
{
	struct depot *d = &p->depot;
	size_t gone;

	delay_step();
	lock_take(&d->lock, LOCK_DEPOT);
	gone = uncount_all(p, &d->victim);
	list_splice(&d->victim, &p->condemned);
	d->nobj -= gone;
	ripe_count(p);
	lock_give(&d->lock, LOCK_DEPOT);
}

/*
 * After depot_condemn(): what is idle becomes victim, and with it what was
 * drained from records, as far as the budget goes, for the records have room
 * again; what is over is condemned.  all: everything is.
 */
void depot_age(struct percu_pool *p, struct list *drained, bool all)
{
	struct depot *d = &p->depot;
	struct list *to = all ? &p->condemned : &d->victim;
	struct magazine *m;
	size_t gone = 0;

	delay_step();
	lock_take(&d->lock, LOCK_DEPOT);
	if (all)
		gone = uncount_all(p, &d->full);
	d->nobj -= gone;
	list_splice(&d->full, to);
	while (!list_empty(drained)) {
		m = list_entry(drained->prev, struct magazine, list);
		list_del(&m->list);
		if (!all && budget_take(p, m->count)) {
			d->nobj += m->count;
			list_add(&m->list, &d->victim);
		} else {
			list_add(&m->list, &p->condemned);
		}
	}
	ripe_count(p);
	lock_give(&d->lock, LOCK_DEPOT);
}

/* The empty magazines go back, but for those of a reserve. */
void depot_release_spares(struct percu_pool *p)
{
	struct list empty;
	struct magazine *m;

	if (p->attr.reserve)
		return;
	list_init(&empty);
	lock_take(&p->depot.lock, LOCK_DEPOT);
	list_splice(&p->depot.empty, &empty);
	lock_give(&p->depot.lock, LOCK_DEPOT);
	while ((m = pop(&empty)))
		magazine_free(p, m);
}
