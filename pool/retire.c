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
 * Barriers.  In counts magazines before they are handed over, out after they
 * are done, and those of one struct retire are done in the order in which they
 * were handed over.  When out has reached what in was, each magazine that had
 * been handed over by then is done: those before it in the order are no more
 * than in had counted.
 *
 * Without memory.  A record takes its next magazine along when it is opened.
 * Where none is to be had, or no record, an object goes to one of NR_LEFT
 * places, which are there always.  When these are full too the caller waits
 * for the reclaimer; in a read section, where that must not be, it tries again
 * until there is memory.  Nothing is lost.
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
#include <urcu/flavor.h>

#include "pool/pool.h"
#include "pool/retire.h"
#include "slab/meta.h"
#include "sys/conf.h"
#include "sys/cpu.h"
#include "sys/report.h"
#include "sys/tool.h"

enum {
	FENCE_TRIES = 1000
};

static struct list retires = { &retires, &retires }; /* (A) */

static size_t retire_bytes(const struct percu_pool *p)
{
	return offsetof(struct record, slot) + p->magazine * sizeof(void *);
}

static size_t open_bytes(void)
{
	return (cpu_info.possible + 63) / 64 * sizeof(uint64_t);
}

static uint64_t weight(const struct magazine *m)
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

/* NULL: no memory for a second flavor. */
static struct retire *retire_of(struct percu_pool *p,
				const struct rcu_flavor_struct *flavor)
{
	struct grace *g = grace_of(flavor);
	struct retire *r = retire_find(p, g), *new;

	if (likely(r))
		return r;
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

#define for_each_retire(r, p)                                 \
	for (struct retire *r = &(p)->retire; r;              \
	     r = __atomic_load_n(&r->next, __ATOMIC_ACQUIRE)) \
		if (__atomic_load_n(&r->flavor, __ATOMIC_ACQUIRE))

/* Records. ------------------------------------------------------------------------ */

static void retire_stop(struct retire *r)
{
	r->stopped = true;
	__atomic_store_n(&r->front.base, r->pool->dummy, __ATOMIC_RELEASE);
	/* Before the bitmap is read: see record_lock(). */
	__atomic_store_n(&r->inner.base, r->pool->dummy, __ATOMIC_SEQ_CST);
}

static void retire_start(struct retire *r)
{
	r->stopped = false;
	if (!r->records)
		return;
	__atomic_store_n(&r->inner.base, r->records, __ATOMIC_RELEASE);
	if (cpu_info.rseq && !r->pool->checked)
		__atomic_store_n(&r->front.base, r->records, __ATOMIC_RELEASE);
}

/* The first retirement: records, if there is memory for them. */
static void retire_publish(struct retire *r)
{
	uint64_t *open = meta_alloc(open_bytes());
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
	meta_free(open, open_bytes());
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

static struct magazine *spare_take(struct retire *r, struct record *rec)
{
	struct magazine *m =
		__atomic_exchange_n(&rec->spare, NULL, __ATOMIC_ACQ_REL);

	if (m)
		return m;
	m = depot_obtain(r->pool);
	if (m)
		m->wait.site = NULL;
	return m;
}

static void spare_give(struct retire *r, struct record *rec, struct magazine *m)
{
	m = __atomic_exchange_n(&rec->spare, m, __ATOMIC_ACQ_REL);
	if (unlikely(m))
		depot_return(r->pool, m);
}

static void retire_arm(struct retire *r)
{
	/* Sequentially consistent: before this the record was opened. */
	if (!__atomic_exchange_n(&r->armed, true, __ATOMIC_SEQ_CST))
		grace_arm(r->grace);
}

/* Opens a closed record; false: there is no magazine for it. */
static bool record_open(struct retire *r, struct record *rec, void *site)
{
	uint32_t index =
		(uint32_t)(((char *)rec - r->records) >> PERCU_RECORD_SHIFT);
	struct magazine *m = spare_take(r, rec);

	if (!m)
		return false;
	m->wait.site = site;
	spare_give(r, rec, m);
	/* The bit first: a drainer must not miss what a push then adds. */
	if (!(__atomic_fetch_or(&r->open[index / 64], 1ull << index % 64,
				__ATOMIC_SEQ_CST) >>
		      index % 64 &
	      1))
		meta_account((ptrdiff_t)retire_bytes(r->pool));
	/* Pairs with the acquire of record_lock(). */
	__atomic_store_n(&rec->capacity, r->pool->magazine, __ATOMIC_SEQ_CST);
	retire_arm(r);
	return true;
}

/* A filled magazine, checked in, is the reclaimer's from here on. */
static void hand_over(struct retire *r, struct magazine *m)
{
	m->retire = r;
	__atomic_fetch_add(&r->in, 1, __ATOMIC_RELAXED);
	grace_defer(r->grace, &m->wait, weight(m));
}

/* Makes room in a full record; false: there is no magazine for it. */
static bool record_make_room(struct retire *r, struct record *rec, void *site)
{
	struct magazine *m = spare_take(r, rec);

	if (!m)
		return false;
	m->count = (uint32_t)record_spill(r, m->slot, r->pool->magazine);
	if (!m->count) { /* somebody else was faster */
		spare_give(r, rec, m);
		return true;
	}
	magazine_check_in(r->pool, m->slot, m->count);
	m->wait.site = site;
	hand_over(r, m);
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
	if (full)
		hand_over(r, full);
	else
		retire_arm(r);
	return true;
}

/* Into this CPU's record, or past it.  False: there is no memory for either. */
static bool retire_place(struct retire *r, void *obj, void *site)
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
			   r->pool->dummy) {
			sched_yield(); /* stopped: a flush is at work on it */
		} else if (!record_make_room(r, rec, site)) {
			return false;
		}
	}
	return true;
}

/* Flush. ---------------------------------------------------------------------------------- */

#define for_each_open(r, i)                                              \
	for (uint32_t i = 0; (r)->records && i < cpu_info.possible; i++) \
		if (bitmap_test((r)->open, i))

/* Which of the retires. */
struct which {
	struct grace *grace;     /* armed ones of it; */
	struct percu_pool *pool; /* or all of it */
	bool short_;             /* out: there was no memory to take it all */
};

static bool is_wanted(struct retire *r, const struct which *w)
{
	if (w->pool)
		return r->pool == w->pool;
	return r->grace == w->grace &&
	       __atomic_load_n(&r->armed, __ATOMIC_SEQ_CST);
}

/* (A), stopped.  A record for which there is no magazine keeps its objects. */
static void drain_record(struct retire *r, struct record *rec, struct which *w,
			 struct grace_wait **taken)
{
	struct magazine *m;

	while (rec->word & PERCU_WORD_COUNT) {
		m = spare_take(r, rec);
		if (!m) {
			w->short_ = true;
			return;
		}
		m->count =
			(uint32_t)record_drain(rec, m->slot, r->pool->magazine);
		magazine_check_in(r->pool, m->slot, m->count);
		m->retire = r;
		m->wait.next = *taken;
		*taken = &m->wait;
	}
	__atomic_store_n(&rec->capacity, 0, __ATOMIC_RELEASE);
}

static void take_partial(struct retire *r, struct grace_wait **taken)
{
	struct magazine *m;

	lock_take(&r->pool->depot.lock, LOCK_DEPOT);
	m = r->partial;
	r->partial = NULL;
	lock_give(&r->pool->depot.lock, LOCK_DEPOT);
	if (!m)
		return;
	m->retire = r;
	m->wait.next = *taken;
	*taken = &m->wait;
}

static void quiesce_record(struct record *rec)
{
	lock_take(&rec->lock, LOCK_RECORD);
	lock_give(&rec->lock, LOCK_RECORD);
}

static struct retire *to_retire(struct list *l)
{
	return list_entry(l, struct retire, all);
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
		hand_over(m->retire, m);
	}
}

/* 0; -errno where other CPUs may not be interrupted; -ENOMEM. */
static int flush(struct which *w)
{
	struct grace_wait *taken = NULL;
	int err;

	lock_take(&pools.age, LOCK_AGE);
	err = stop_wanted(w);
	if (!err)
		drain_stopped(w, &taken);
	lock_give(&pools.age, LOCK_AGE);
	hand_over_all(taken);
	return err ? err : w->short_ ? -ENOMEM : 0;
}

/* Left: objects that nothing else would take. ------------------------------------------ */

enum {
	NR_LEFT = 256
};

/*
 * An object left is staged at the beginning of a round, and goes on when that
 * round's grace period is over: with a batch that stands for all of them.
 */
static struct left {
	struct lock lock;
	uint32_t n; /* (a) */
	struct left_object {
		struct percu_pool *pool;
		struct grace *grace;
		void *obj;
		bool staged;
	} object[NR_LEFT];
	struct grace_wait batch[NR_GRACES]; /* of a round under way */
} left;

#define for_each_left(o, g)                                                  \
	for (struct left_object *o = left.object; o < left.object + NR_LEFT; \
	     o++)                                                            \
		if (o->obj && o->grace == (g))

static bool left_add(struct percu_pool *p, struct grace *g, void *obj)
{
	struct left_object *o = left.object;

	lock_take(&left.lock, LOCK_DEPOT);
	while (o < left.object + NR_LEFT && o->obj)
		o++;
	if (o < left.object + NR_LEFT) {
		*o = (struct left_object){ p, g, obj, false };
		left.n++;
		__atomic_fetch_add(&p->left, 1, __ATOMIC_SEQ_CST);
		counter_add(&p->left_in, 1);
	} else {
		o = NULL;
	}
	lock_give(&left.lock, LOCK_DEPOT);
	if (o)
		grace_arm(g);
	return o;
}

/* A round begins. */
static void left_stage(struct grace *g)
{
	bool any = false;

	if (!__atomic_load_n(&left.n, __ATOMIC_RELAXED))
		return;
	lock_take(&left.lock, LOCK_DEPOT);
	for_each_left(o, g) any = o->staged = true;
	lock_give(&left.lock, LOCK_DEPOT);
	if (any)
		grace_defer(g, &left.batch[g - graces.grace], 0);
}

static bool left_next(struct grace *g, struct left_object *next)
{
	bool any = false;

	lock_take(&left.lock, LOCK_DEPOT);
	for_each_left(o, g)
	{
		if (!o->staged || any)
			continue;
		*next = *o;
		o->obj = NULL;
		left.n--;
		any = true;
	}
	lock_give(&left.lock, LOCK_DEPOT);
	return any;
}

static void place(struct percu_pool *p, void **objs, size_t n);

/* The round's grace period is over. */
static void left_done(struct grace *g)
{
	struct left_object o;

	while (left_next(g, &o)) {
		magazine_check_in(o.pool, &o.obj, 1);
		magazine_check_out(o.pool, &o.obj, 1);
		place(o.pool, &o.obj, 1);
		__atomic_fetch_sub(&o.pool->left, 1, __ATOMIC_SEQ_CST);
	}
}

static bool left_room(void *arg)
{
	(void)arg;
	return __atomic_load_n(&left.n, __ATOMIC_RELAXED) < NR_LEFT;
}

/* What rcu/grace.c calls. --------------------------------------------------------------- */

/* A round begins: what the records of the flavor hold joins it. */
static void on_flush(struct grace *g)
{
	struct which w = { .grace = g };

	left_stage(g);
	if (flush(&w))
		grace_arm(g);
}

/* Objects that are checked out, which no reader sees any more. */
static void place(struct percu_pool *p, void **objs, size_t n)
{
	bool contended;

	if (p->checked)
		checked_retired(p, objs, n);
	if (!p->release) {
		depot_store(p, NULL, objs, n, &contended);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		tool_acquire(objs[i]);
		p->attr.destroy(objs[i], p->attr.arg);
	}
}

static void on_done(struct grace_wait *w)
{
	struct magazine *m = (struct magazine *)w;
	struct retire *r = m->retire;
	struct percu_pool *p = r->pool;
	void *objs[MAGAZINE_MAX];
	uint64_t bytes;
	size_t n;

	if (w >= left.batch && w < left.batch + NR_GRACES)
		return left_done(&graces.grace[w - left.batch]);
	bytes = weight(m);
	n = m->count;
	if (p->release) {
		memcpy(objs, m->slot, n * sizeof(*objs));
		depot_return(p, m);
		place(p, objs, n);
	} else {
		if (p->checked)
			checked_retired(p, m->slot, n);
		depot_receive(p, m);
	}
	/* Releases, both: what was done is seen by who finds it counted. */
	__atomic_fetch_add(&r->done, n, __ATOMIC_RELEASE);
	__atomic_fetch_add(&r->out, 1, __ATOMIC_RELEASE);
	grace_undefer(bytes);
}

static void on_weigh(const struct grace_wait *w, struct grace_load *load)
{
	const struct magazine *m = (const struct magazine *)w;

	*load = (struct grace_load){ .pool = "left" };
	if (w >= left.batch && w < left.batch + NR_GRACES)
		return;
	load->pool = m->retire->pool->name;
	load->objects = m->count;
	load->bytes = weight(m);
}

static const struct grace_ops ops = { on_flush, on_done, on_weigh };

void retire_init(void)
{
	uint64_t soft = conf.defer_soft, hard = conf.defer_hard;

	if (!soft)
		soft = pools.depot_max > 1 << 20 ? pools.depot_max : 1 << 20;
	if (!hard)
		hard = soft * 64;
	lock_init(&left.lock);
	grace_init(&ops, soft, hard > soft ? hard : soft);
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

void retire_from(struct percu_pool *pool, void *obj,
		 const struct rcu_flavor_struct *flavor, void *site,
		 struct retire_origin *origin)
{
	struct retire *r;
	int err = errno;

	pool_check(pool, "put_rcu");
	if (unlikely(in_handler())) {
		parked_add(pool, obj, flavor);
		errno = err;
		return;
	}
	parked_place();
	if (pool->checked)
		checked_retire(pool, obj, site, origin);
	r = retire_of(pool, flavor);
	if (unlikely(!r || !retire_place(r, obj, site)))
		retire_somehow(pool, obj, flavor, site);
	grace_admit(grace_of(flavor)); /* it cannot fail, but it can wait */
	errno = err;
}

static __attribute__((noinline, cold)) void
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

/* Waiting. -------------------------------------------------------------------------------------- */

struct mark {
	struct retire *retire;
	uint64_t in;
};

static bool passed(void *arg)
{
	const struct mark *m = arg;

	/* Acquire: pairs with on_done(). */
	return __atomic_load_n(&m->retire->out, __ATOMIC_ACQUIRE) >= m->in;
}

static bool none_left(void *arg)
{
	struct percu_pool *p = arg;

	return !__atomic_load_n(&p->left, __ATOMIC_ACQUIRE);
}

/* All of the pool's that was handed over, and all that was left. */
static void wait_handed_over(struct percu_pool *p)
{
	for_each_retire(r, p)
	{
		struct mark m = { r,
				  __atomic_load_n(&r->in, __ATOMIC_RELAXED) };

		if (!passed(&m))
			grace_wait_for(r->grace, passed, &m);
		if (!none_left(p))
			grace_wait_for(r->grace, none_left, p);
	}
}

/* Everything of the pool's: 0, or -errno if the other CPUs keep theirs. */
static int wait_all(struct percu_pool *p)
{
	struct which w = { .pool = p };
	int err, tries = 0;

	do {
		w.short_ = false;
		err = flush(&w);
		wait_handed_over(p);
		/* What is done has given magazines back. */
	} while (err && ++tries < FENCE_TRIES && !sched_yield());
	return err;
}

/* Would it wait for itself? */
static void wait_check(struct percu_pool *p, const char *what)
{
	for_each_retire(r, p)
	{
		bool reading = grace_reading(r->flavor);

		if (grace_in_callback())
			report_misuse("pool %s: %s from a callback that runs "
				      "after a grace period",
				      p->name, what);
		if (!reading)
			continue;
		/* qsbr: a thread that is online can go offline. */
		r->flavor->thread_offline();
		if (grace_reading(r->flavor))
			report_misuse("pool %s: %s inside a read section",
				      p->name, what);
		r->flavor->thread_online();
	}
}

PERCU_API void percu_pool_barrier(struct percu_pool *pool)
{
	pool_check(pool, "barrier");
	wait_check(pool, "percu_pool_barrier()");
	parked_place();
	if (wait_all(pool))
		report_warn("pool %s: what was retired on other CPUs stays: "
			    "they cannot be interrupted",
			    pool->name);
}

PERCU_API void percu_barrier(void)
{
	struct percu_pool *p = NULL;

	pool_init();
	while ((p = pool_next(p)))
		if (p->retire.flavor)
			percu_pool_barrier(p);
}

/*
 * A get is about to fail for want of memory: true if the pool has objects that
 * wait, and they have been waited for.
 */
bool retire_hurry(struct percu_pool *p)
{
	uint64_t waiting;

	retire_count(p, &waiting);
	if (!waiting || grace_in_callback())
		return false;
	for_each_retire(r, p) if (grace_reading(r->flavor)) return false;
	return wait_all(p) == 0;
}

/* The pool ends: nothing of it waits after this.  0 or -errno. */
int retire_end(struct percu_pool *p)
{
	if (!p->retire.flavor)
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
	meta_free(r->open, open_bytes());
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

/* Statistics. ------------------------------------------------------------------------------------ */

/* Objects retired to the pool, ever, and of these what waits. */
uint64_t retire_count(struct percu_pool *p, uint64_t *waiting)
{
	uint64_t done = 0, all = 0;
	struct record_counts c;

	/* What is done is read before what was retired: never more. */
	for_each_retire(r, p)
		done += __atomic_load_n(&r->done, __ATOMIC_ACQUIRE);
	done += __atomic_load_n(&p->left_in, __ATOMIC_ACQUIRE);
	done -= __atomic_load_n(&p->left, __ATOMIC_ACQUIRE);
	all = __atomic_load_n(&p->left_in, __ATOMIC_ACQUIRE);
	for_each_retire(r, p)
	{
		all += __atomic_load_n(&r->direct, __ATOMIC_ACQUIRE);
		if (!__atomic_load_n(&r->records, __ATOMIC_ACQUIRE))
			continue;
		for_each_open (r, i) {
			record_read(record_at(r->records, i), &c);
			all += c.puts;
		}
	}
	*waiting = all > done ? all - done : 0;
	return all;
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

struct lock *left_lock(void)
{
	return &left.lock;
}

void retire_after_fork(void)
{
	lock_init(&left.lock);
	list_for_each (l, &retires) {
		struct retire *r = to_retire(l);

		for_each_open (r, i)
			lock_init(&record_at(r->records, i)->lock);
		retire_start(r);
	}
}

/* Release pools. ------------------------------------------------------------------------------------ */

static void *release_none(void *arg)
{
	(void)arg;
	errno = EINVAL;
	return NULL;
}

struct percu_pool *release_pool_create(const char *name,
				       void (*release)(void *obj, void *arg),
				       void *arg)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = name,
					   .create = release_none,
					   .destroy = release,
					   .arg = arg });

	if (p)
		p->release = true;
	return p;
}
