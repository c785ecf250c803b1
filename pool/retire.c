/* SPDX-License-Identifier: MIT */
/*
 * pool/retire.c - objects that wait for a grace period
 *
 * A retirement is a push into the CPU's retire record of the pool, by the same
 * sequence as a put.  A full record is spilled as a magazine, whose objects
 * are looked at as those of any magazine that leaves a CPU; it then waits for
 * a grace period as a unit (rcu/grace.c) and becomes a full magazine of the
 * depot as it is.  The objects are not touched, and carry no head.
 *
 * A record is opened by the push that finds it closed, and arms the flush:
 * after conf.defer_age the reclaimer stops the armed ones, as ageing stops a
 * pool (pool/age.c), takes what they hold and closes them.  So what is retired
 * waits in a record for a bounded time, and nothing runs where nothing is
 * retired.  A record is opened first and armed then; a flush disarms first and
 * closes then.  Whichever way the two meet, what is open is armed soon.
 *
 * A release pool's objects are destroyed where others would go to the depot.
 *
 * Without memory.  A record takes its next magazine along when it is opened.
 * Where none is to be had, or no record, an object goes to one of NR_LEFT
 * places, which are there always; what a flush finds in a record goes there
 * too.  When these are full the caller waits for the reclaimer; in a read
 * section, where that must not be, it tries again until there is memory.
 * Nothing is lost.
 *
 * Locks: the age lock for the list of retires and for stopping them; the
 * pool's depot lock for partial.  None is held when a magazine is handed over.
 *
 * Words: spill (a full record), flush (any record, by the reclaimer or by who
 * waits), hand over (to rcu/grace.c), left (kept in one of NR_LEFT places).
 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "pool/waiting.h"
#include "slab/meta.h"
#include "sys/delay.h"
#include "sys/tool.h"

struct list retires = { &retires, &retires };

uint64_t retire_weight(const struct magazine *m)
{
	const struct percu_pool *p = m->retire->pool;

	if (unlikely(p == &large_pool))
		return large_bytes(m->slot, m->count);
	return (uint64_t)m->count * p->weight;
}

/* Which struct retire. --------------------------------------------------------- */

/* The first of a pool is part of it; done with the pool. */
void retire_setup(struct percu_pool *p)
{
	p->retire.front = pools.start;
	p->retire.inner = pools.start;
	p->retire.pool = p;
	list_init(&p->retire.all);
}

/* (A).  One that is not in use becomes the flavor's. */
static struct retire *retire_claim(struct percu_pool *p, struct retire *r,
				   struct grace *g,
				   const struct rcu_flavor_struct *flavor)
{
	r->front = pools.start;
	r->inner = pools.start;
	r->dummy = pools.start.base;
	r->pool = p;
	r->grace = g;
	list_add(&r->all, &retires);
	/* Release: who finds the flavor finds the rest. */
	__atomic_store_n(&r->flavor, flavor, __ATOMIC_RELEASE);
	return r;
}

static struct retire *retire_find(struct percu_pool *p, const struct grace *g)
{
	struct retire *r = &p->retire;

	/* Acquire, both: pair with the releases of who makes them. */
	for (; r; r = __atomic_load_n(&r->next, __ATOMIC_ACQUIRE))
		if (__atomic_load_n(&r->flavor, __ATOMIC_ACQUIRE) &&
		    r->grace == g)
			return r;
	return NULL;
}

/* NULL: no memory, for a second flavor or for the dummy. */
struct retire *retire_of(struct percu_pool *p,
			 const struct rcu_flavor_struct *flavor)
{
	struct grace *g = grace_of(flavor);
	struct retire *r = retire_find(p, g), *new;

	if (likely(r))
		return r;
	if (!dummy_obtain())
		return NULL;
	lock_take(&pools.age, LOCK_AGE);
	r = retire_find(p, g);
	if (!r && !p->retire.flavor) {
		r = retire_claim(p, &p->retire, g, flavor);
	} else if (!r && (new = meta_alloc(sizeof(*new)))) {
		r = retire_claim(p, new, g, flavor);
		new->next = p->retire.next;
		__atomic_store_n(&p->retire.next, new, __ATOMIC_RELEASE);
	}
	lock_give(&pools.age, LOCK_AGE);
	return r;
}

/* Records. ------------------------------------------------------------------------ */

void retire_stop(struct retire *r)
{
	r->stopped = true;
	__atomic_store_n(&r->front.base, r->dummy, __ATOMIC_RELEASE);
	delay_step();
	/* Before the bitmap is read: see record_lock(). */
	__atomic_store_n(&r->inner.base, r->dummy, __ATOMIC_SEQ_CST);
}

void retire_start(struct retire *r)
{
	r->stopped = false;
	if (!r->records)
		return;
	__atomic_store_n(&r->inner.base, r->records, __ATOMIC_RELEASE);
	delay_step();
	if (cpu_info.rseq && !r->pool->checked)
		__atomic_store_n(&r->front.base, r->records, __ATOMIC_RELEASE);
}

/* The first retirement: records, if there is memory for them. */
static void retire_publish(struct retire *r)
{
	uint64_t *open = meta_alloc(bitmap_bytes());
	char *base = NULL;

	lock_take(&pools.age, LOCK_AGE);
	if (open && !r->records)
		base = records_alloc(retire_bytes(r->pool));
	if (base) {
		r->open = open;
		open = NULL;
		__atomic_store_n(&r->records, base, __ATOMIC_RELEASE);
		retire_start(r);
	}
	lock_give(&pools.age, LOCK_AGE);
	meta_free(open, bitmap_bytes());
}

static uint32_t record_index(const struct retire *r, const struct record *rec)
{
	return (uint32_t)(((const char *)rec - r->records) >>
			  PERCU_RECORD_SHIFT);
}

static struct record *record_of(struct retire *r)
{
	uint32_t index = cpu_index();
	char *base = __atomic_load_n(&r->records, __ATOMIC_ACQUIRE);

	if (unlikely(!base)) {
		retire_publish(r);
		base = __atomic_load_n(&r->records, __ATOMIC_ACQUIRE);
	}
	if (!base || index >= cpu_info.possible)
		return NULL;
	return record_at(base, index);
}

/*
 * An empty magazine: the retire record's own, the one that gets have left in
 * the pool's record of the same CPU, the depot's, or a new one.
 */
struct magazine *retire_magazine(struct retire *r, struct record *rec)
{
	char *base = __atomic_load_n(&r->pool->records, __ATOMIC_ACQUIRE);
	struct magazine *m = spare_swap(rec, NULL);

	if (m)
		return m;
	if (base)
		m = spare_swap(record_at(base, record_index(r, rec)), NULL);
	if (!m)
		m = depot_obtain(r->pool);
	return m;
}

static void spare_give(struct retire *r, struct record *rec, struct magazine *m)
{
	m = spare_swap(rec, m);
	if (unlikely(m))
		depot_return(r->pool, m);
}

static void retire_arm(struct retire *r)
{
	/* Sequentially consistent: before this the record was opened. */
	if (!__atomic_exchange_n(&r->armed, true, __ATOMIC_SEQ_CST)) {
		delay_step();
		grace_arm(r->grace);
	}
}

/* Opens a closed record; false: there is no magazine for it. */
static bool record_open(struct retire *r, struct record *rec, void *site)
{
	uint32_t index = record_index(r, rec);
	struct magazine *m = retire_magazine(r, rec);

	if (!m)
		return false;
	spare_give(r, rec, m);
	__atomic_store_n(&r->site, site, __ATOMIC_RELAXED);
	/* The bit first: a drainer must not miss what a push then adds. */
	if (!(__atomic_fetch_or(&r->open[index / 64], 1ull << index % 64,
				__ATOMIC_SEQ_CST) >>
		      index % 64 &
	      1))
		meta_account((ptrdiff_t)retire_bytes(r->pool));
	delay_step();
	/* Pairs with the acquire of record_lock(). */
	__atomic_store_n(&rec->capacity, r->pool->magazine, __ATOMIC_SEQ_CST);
	delay_step();
	retire_arm(r);
	return true;
}

/*
 * A magazine in hand, checked in, is the reclaimer's from here on.  Counted
 * before it is pushed, and in nobody's hand after: then a barrier that waited
 * for that may return, and its pool end.
 */
void retire_hand_over(struct retire *r, struct magazine *m)
{
	uint32_t *in_hand = &r->in_hand[m->side];

	m->retire = r;
	__atomic_fetch_add(&r->in, 1, __ATOMIC_RELAXED);
	delay_step();
	grace_defer(r->grace, &m->wait, retire_weight(m));
	delay_step();
	/* Sequentially consistent: see grace_tell(). */
	if (!__atomic_sub_fetch(in_hand, 1, __ATOMIC_SEQ_CST))
		grace_tell();
}

/* Makes room in a full record; false: there is no magazine for it. */
static bool record_make_room(struct retire *r, struct record *rec, void *site)
{
	struct magazine *m = retire_magazine(r, rec);

	if (!m)
		return false;
	retire_enter(r, m);
	delay_step();
	/* None, if somebody else was faster: it is counted, and goes too. */
	m->count = (uint32_t)record_spill(r, m->slot, r->pool->magazine);
	delay_step();
	magazine_check_in(r->pool, m->slot, m->count);
	m->wait.site = site;
	__atomic_store_n(&r->site, site, __ATOMIC_RELAXED);
	retire_hand_over(r, m);
	return true;
}

/* Past the records. ----------------------------------------------------------------- */

/* For a thread that has no record.  False: there is no memory. */
static bool retire_direct(struct retire *r, void *obj, void *site)
{
	struct percu_pool *p = r->pool;
	struct magazine *m, *full = NULL, *new = depot_obtain(p);

	magazine_check_in(p, &obj, 1);
	lock_take(&p->depot.lock, LOCK_DEPOT);
	if (!r->partial && new) {
		r->partial = new;
		new->count = 0;
		new = NULL;
	}
	m = r->partial;
	if (m) {
		m->slot[m->count++] = obj;
		m->wait.site = site;
		if (m->count == p->magazine) {
			full = m;
			r->partial = NULL;
			retire_enter(r, m);
		}
	}
	lock_give(&p->depot.lock, LOCK_DEPOT);
	if (new)
		depot_return(p, new);
	if (!m) {
		magazine_check_out(p, &obj, 1);
		return false;
	}
	counter_add(&r->direct, 1);
	delay_step();
	if (full)
		retire_hand_over(r, full);
	else
		retire_arm(r);
	return true;
}

/* Into this CPU's record, or past it.  False: there is no memory for either. */
bool retire_place(struct retire *r, void *obj, void *site)
{
	struct record *rec;

	while (!record_retire(r, obj)) {
		rec = record_of(r);
		if (!rec)
			return retire_direct(r, obj, site);
		/* Relaxed: if it changes, the push fails again. */
		if (!__atomic_load_n(&rec->capacity, __ATOMIC_RELAXED)) {
			if (!record_open(r, rec, site))
				return false;
		} else if (__atomic_load_n(&r->inner.base, __ATOMIC_RELAXED) ==
			   r->dummy) {
			sched_yield(); /* stopped: a flush is at work on it */
		} else if (!record_make_room(r, rec, site)) {
			return false;
		}
	}
	return true;
}

/* Retiring. ---------------------------------------------------------------------------------- */

/* Without memory: see the head of this file. */
static __attribute__((noinline, cold)) void
retire_somehow(struct percu_pool *p, void *obj,
	       const struct rcu_flavor_struct *flavor, void *site)
{
	struct grace *g = grace_of(flavor);
	struct retire *r;

	for (;;) {
		r = retire_of(p, flavor);
		if ((r && retire_place(r, obj, site)) || left_add(p, g, obj))
			return;
		if (grace_may_wait(flavor))
			grace_wait_for(g, left_room, NULL);
		else
			sched_yield();
	}
}

/* It waits for nobody, where there is memory. */
void retire_now(struct percu_pool *pool, void *obj,
		const struct rcu_flavor_struct *flavor, void *site,
		struct retire_origin *origin)
{
	struct retire *r;

	if (pool->checked)
		checked_retire(pool, obj, site, origin);
	r = retire_of(pool, flavor);
	if (unlikely(!r || !retire_place(r, obj, site)))
		retire_somehow(pool, obj, flavor, site);
}

void retire_from(struct percu_pool *pool, void *obj,
		 const struct rcu_flavor_struct *flavor, void *site,
		 struct retire_origin *origin)
{
	int err = errno;

	pool_check(pool, "put_rcu");
	if (unlikely(in_handler())) {
		parked_add(pool, obj, flavor, site);
		errno = err;
		return;
	}
	parked_place();
	retire_now(pool, obj, flavor, site, origin);
	grace_admit(grace_of(flavor)); /* it cannot fail, but it can wait */
	errno = err;
}

static __attribute__((noinline)) void
put_rcu_slow(struct percu_pool *pool, void *obj,
	     const struct rcu_flavor_struct *flavor, void *site)
{
	if (obj)
		retire_from(pool, obj, flavor, site, NULL);
	else
		pool_check(pool, "put_rcu");
}

PERCU_API __attribute__((aligned(CACHE_LINE))) void
percu_pool_put_rcu_flavor(struct percu_pool *pool, void *obj,
			  const struct rcu_flavor_struct *flavor)
{
	/* Relaxed: the front is one of a pool, used or not. */
	if (likely(__atomic_load_n(&pool->retire.flavor, __ATOMIC_RELAXED) ==
			   flavor &&
		   obj && percu_record_push(&pool->retire.front, obj)))
		return;
	put_rcu_slow(pool, obj, flavor, __builtin_return_address(0));
}

int retire_admit(const struct rcu_flavor_struct *flavor)
{
	return grace_admit(grace_of(flavor));
}

uint64_t grace_now(const struct rcu_flavor_struct *flavor)
{
	return grace_next(grace_of(flavor));
}

bool grace_passed(const struct rcu_flavor_struct *flavor, uint64_t then)
{
	return grace_ended(grace_of(flavor), then);
}

/* Release pools. ------------------------------------------------------------------------------------ */

static void *release_none(void *arg)
{
	(void)arg;
	errno = EINVAL;
	return NULL;
}

struct percu_pool *release_pool_create(const char *name, size_t size,
				       void (*release)(void *obj, void *arg),
				       void *arg)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = name,
					   .create = release_none,
					   .destroy = release,
					   .arg = arg });

	if (!p)
		return NULL;
	p->release = true;
	if (size)
		p->weight = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
	return p;
}
