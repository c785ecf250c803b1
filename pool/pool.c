/* SPDX-License-Identifier: MIT */
/*
 * pool/pool.c - get and put, and what they do on a miss
 *
 * A hit is one restartable sequence (<percu/record.h>) and nothing else.
 * Everything else is a miss, and its slow path sorts out which:
 *
 *	the pool is instrumented (checked.c), ended, or not set up yet
 *	the record is empty: fill it from a magazine, from the slab, or make
 *		one foreign object
 *	the record is full: spill half of it as a magazine
 *	there is no record for this thread: straight from and to the depot
 *
 * A slow path never assumes that it is still on the CPU that missed: it moves
 * objects with bulk sequences that work on the CPU where they run, and then
 * tries again.  The loops end because each turn moves objects that others
 * then took: somebody makes progress.
 *
 * Before a get fails for want of memory, all that lies idle on other CPUs is
 * gathered, and what waits for readers is waited for, once, where that may be.  That is what makes a reserve a promise: a pool never has less
 * than its reserve, and what it has, a failing get finds.
 *
 * Words: move (records to magazines and back, not counted), direct (a get or
 * put past the records, counted by the pool).
 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include <percu/inline.h>

#undef percu_pool_get
#undef percu_pool_put
#include "pool/pool.h"
#include "slab/heap.h"
#include "sys/delay.h"
#include "sys/report.h"
#include "sys/tool.h"

enum {
	RESERVE_WAITS = 10000
};

/* Making and unmaking. ---------------------------------------------------- */

/* Runs the ctor where it never ran.  Those whose ctor fails are last then. */
static size_t run_ctor(struct percu_pool *p, void **objs, size_t n)
{
	struct slab_near near = { 0 };
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		void *obj = objs[i];
		uint8_t state;

		slab_state_near(&p->slab, &near, obj, &state);
		if (!(state & OBJ_MADE)) {
			if (!err)
				err = p->attr.ctor(obj, p->attr.arg);
			if (err)
				continue;
		}
		objs[i] = objs[kept];
		objs[kept++] = obj;
	}
	if (err)
		errno = -err;
	return kept;
}

/* Marks the made ones; those whose ctor fails go back.  How many are left. */
static size_t construct(struct percu_pool *p, void **objs, size_t n)
{
	size_t kept = p->attr.ctor ? run_ctor(p, objs, n) : n;
	int err = errno;

	slab_made(&p->slab, objs, kept);
	if (unlikely(kept < n))
		slab_free(&p->slab, objs + kept, n - kept, heap_cycle());
	errno = err;
	return kept;
}

static size_t make_foreign(struct percu_pool *p, void **obj)
{
	bool room = !p->known || foreign_expect(p);

	errno = ENOMEM; /* for a create that says nothing */
	if (!room)
		return 0;
	*obj = p->attr.create(p->attr.arg);
	if (p->known)
		foreign_made(p, *obj);
	if (!*obj)
		return 0;
	counter_add(&p->made, 1);
	return 1;
}

/* Up to n new objects: for a foreign pool one.  0, and errno says why. */
size_t pool_make(struct percu_pool *p, void **objs, size_t n)
{
	if (p->foreign)
		return make_foreign(p, objs);
	n = slab_alloc(&p->slab, objs, n);
	if (!n) {
		errno = ENOMEM;
		return 0;
	}
	for (size_t i = 0; i < n && p->checked; i++)
		tool_unidle(objs[i], p->slab.size);
	n = construct(p, objs, n);
	for (size_t i = 0; i < n && p->checked; i++)
		tool_idle(objs[i], p->slab.size);
	return n;
}

/*
 * How many of n idle objects may be unmade, so that the reserve stays.  Foreign
 * ones count as unmade from here on, or two threads could both take the last
 * that is spare; then they must be.  A slab looks after its own reserve.
 */
size_t pool_spare(struct percu_pool *p, size_t n)
{
	uint64_t unmade = counter_read(&p->unmade), spare;

	if (!p->foreign)
		return n;
	do {
		spare = counter_read(&p->made) - unmade;
		spare = spare > p->attr.reserve ? spare - p->attr.reserve : 0;
		n = n < spare ? n : spare;
	} while (n && !__atomic_compare_exchange_n(
			      &p->unmade, &unmade, unmade + n, true,
			      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return n;
}

/* Idle objects that pool_spare() let go return to where they were made. */
void pool_unmake(struct percu_pool *p, void *const *objs, size_t n,
		 uint64_t idle_since)
{
	int err = errno;

	for (size_t i = 0; i < n && p->foreign; i++) {
		tool_acquire(objs[i]);
		if (p->known)
			foreign_unmade(p, objs[i]);
		if (p->attr.destroy)
			p->attr.destroy(objs[i], p->attr.arg);
	}
	if (!p->foreign) {
		for (size_t i = 0; i < n && p->checked; i++) {
			tool_acquire(objs[i]);
			/* Else it stays out of bounds, in the heap too. */
			if (p->attr.dtor)
				tool_unidle(objs[i], p->slab.size);
		}
		slab_free(&p->slab, objs, n, idle_since);
	}
	errno = err;
}

/* Get. -------------------------------------------------------------------- */

/*
 * How many objects to bring to a record, or to take from it: half of what it
 * may hold, so that there is room for puts, and something for gets.
 */
static size_t half_of(const struct percu_pool *p, const struct record *r)
{
	size_t n;

	if (!r)
		return 1;
	n = __atomic_load_n(&r->capacity, __ATOMIC_RELAXED) / 2;
	if (n > p->magazine)
		n = p->magazine;
	return n ? n : 1;
}

/*
 * Gets take the last one first: so that they go up in memory, as who fills an
 * array of what he gets will go through it, and the processor's prefetchers do.
 */
static void turn_round(void **objs, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		void *obj = objs[i];

		objs[i] = objs[n - i - 1];
		objs[n - i - 1] = obj;
	}
}

/*
 * Brings objects to this CPU.  *obj is one of them if it could not place any
 * in the record, else NULL; a foreign object just made is never placed there
 * (fresh).  False: there are none to be had, and errno says why.
 */
static bool refill(struct percu_pool *p, void **obj, bool *fresh)
{
	struct record *r = record_here(p);
	void *room[MAGAZINE_MAX], **objs = room;
	struct magazine *whole;
	size_t n, k = 0;
	bool contended;

	*obj = NULL;
	counter_add(r ? &r->misses : &p->direct_misses, 1);
	n = half_of(p, r);
	*fresh = !depot_take(p, r, &objs, &n, &whole, &contended);
	delay_step();
	if (*fresh) {
		n = pool_make(p, objs, n);
		if (!n)
			return false;
		turn_round(objs, n);
	}
	if (r)
		record_grow(p, r, RECORD_EMPTY, contended);
	delay_step();
	if (r && !(p->foreign && *fresh))
		k = record_give(p, objs, n, RECORD_MOVE);
	if (!k) {
		*obj = objs[--n];
		counter_add(&p->direct_gets, 1);
	}
	delay_step();
	if (k < n)
		depot_store(p, r, objs + k, n - k, &contended);
	depot_emptied(p, r, whole);
	return true;
}

/*
 * After a gathering that found nothing: are fewer out than the reserve?  Then
 * the others are in the hands of threads in slow paths, which will soon place
 * them.  Gets are read before puts here: what is out never reads as more than
 * it is.
 */
static bool reserve_hidden(struct percu_pool *p)
{
	struct pool_sums gets, puts;

	if (!p->attr.reserve)
		return false;
	pool_sum(p, &gets);
	pool_sum(p, &puts);
	if ((int64_t)(gets.gets - puts.puts) >= (int64_t)p->attr.reserve)
		return false;
	sched_yield();
	return true;
}

/*
 * An object by any means, or NULL and errno.  Counts the get, not its failure.
 * fresh: it was made for this call.
 */
void *pool_get_any(struct percu_pool *p, bool *fresh)
{
	unsigned int waits = 0;
	bool hurried = false;
	ssize_t found;
	void *obj;
	int err;

	for (;;) {
		*fresh = false;
		obj = record_get(p);
		if (obj)
			return obj;
		if (refill(p, &obj, fresh)) {
			if (obj)
				return obj;
			continue;
		}
		err = errno;
		delay_step();
		found = pool_gather(p);
		if (!found && !hurried) {
			hurried = true;
			if (retire_hurry(p))
				continue;
		}
		/* Not for ever: the hands may be those of a ctor's caller. */
		if (found < 0 || (!found && (waits++ == RESERVE_WAITS ||
					     !reserve_hidden(p)))) {
			errno = err;
			return NULL;
		}
	}
}

__attribute__((noinline, cold)) void *pool_get_slow(struct percu_pool *p)
{
	bool fresh;
	void *obj;

	pool_check(p, "get");
	if (unlikely(in_handler())) {
		errno = EAGAIN;
		counter_add(&p->failures, 1);
		return NULL;
	}
	parked_place();
	if (p->checked)
		return checked_get(p);
	obj = pool_get_any(p, &fresh);
	if (unlikely(!obj))
		counter_add(&p->failures, 1);
	return obj;
}

PERCU_API __attribute__((aligned(CACHE_LINE))) void *
percu_pool_get(struct percu_pool *pool)
{
	void *obj;

	if (likely(percu_record_pop(&pool->front, &obj)))
		return obj;
	return pool_get_slow(pool);
}

/* Put. -------------------------------------------------------------------- */

/*
 * Moves the upper half of this CPU's record to the depot; the second time in a
 * row, what is below it too: nobody gets here, and what was put twice is found
 * there.  False: there is no record to move anything from.
 */
static bool spill(struct percu_pool *p)
{
	struct record *r = record_here(p);
	bool again, contended = false;

	if (!r)
		return false;
	/* Relaxed: a hint, as in record_grow(), which writes it. */
	again = __atomic_load_n(&r->last, __ATOMIC_RELAXED) == RECORD_FULL;
	if (record_grow(p, r, RECORD_FULL, false))
		return true;
	delay_step();
	if (!depot_spill(p, r, half_of(p, r), &contended))
		return false;
	if (contended)
		record_grow(p, r, RECORD_FULL, true);
	if (again)
		depot_spill(p, r, half_of(p, r), &contended);
	return true;
}

/* The object is placed, whatever happens.  Counts the put. */
void pool_put_any(struct percu_pool *p, void *obj)
{
	bool contended;

	while (!record_put(p, obj)) {
		if (spill(p))
			continue;
		counter_add(&p->direct_puts, 1);
		depot_store(p, NULL, &obj, 1, &contended);
		return;
	}
}

/* site: where the caller put it, for reports. */
void pool_put_from(struct percu_pool *p, void *obj, void *site)
{
	int err = errno;

	pool_check(p, "put");
	if (!obj)
		return;
	if (unlikely(in_handler())) {
		parked_add(p, obj, NULL, NULL);
		errno = err;
		return;
	}
	parked_place();
	if (p->checked)
		checked_put(p, obj, site);
	else
		pool_put_any(p, obj);
	errno = err;
}

__attribute__((noinline, cold)) void pool_put_slow(struct percu_pool *p,
						   void *obj)
{
	pool_put_from(p, obj, __builtin_return_address(0));
}

PERCU_API __attribute__((aligned(CACHE_LINE))) void
percu_pool_put(struct percu_pool *pool, void *obj)
{
	if (likely(obj && percu_record_push(&pool->front, obj)))
		return;
	pool_put_slow(pool, obj);
}

#if PERCU_HAS_RSEQ
/* What <percu/inline.h> calls. */
PERCU_API void *percu_abi1_get_miss(struct percu_pool *pool)
{
	return pool_get_slow(pool);
}

PERCU_API void percu_abi1_put_miss(struct percu_pool *pool, void *obj)
{
	pool_put_slow(pool, obj);
}

#endif /* PERCU_HAS_RSEQ */

/* Is this a pool?  Sets the built-in ones up on their first use. */
void pool_check(struct percu_pool *p, const char *what)
{
	uint32_t magic = __atomic_load_n(&p->magic, __ATOMIC_ACQUIRE);

	if (unlikely(magic == POOL_UNBORN &&
		     (uintptr_t)p - (uintptr_t)class_pool <
			     sizeof(class_pool))) {
		pool_init();
		magic = __atomic_load_n(&p->magic, __ATOMIC_ACQUIRE);
	}
	if (likely(magic == POOL_ALIVE))
		return;
	if (magic == POOL_DEAD)
		report_misuse("pool %s: %s after percu_pool_destroy()", p->name,
			      what);
	report_misuse("%p: %s of what is no pool", (void *)p, what);
}

/* Bulk. ------------------------------------------------------------------- */

PERCU_API size_t percu_pool_get_bulk(struct percu_pool *pool, void **objs,
				     size_t n)
{
	size_t got = 0;

	pool_check(pool, "get");
	while (got < n && !pool->checked) {
		size_t k = record_take(pool, objs + got, n - got, RECORD_COUNT);

		got += k;
		if (k)
			continue;
		objs[got] = pool_get_slow(pool);
		if (!objs[got])
			return got;
		got++;
	}
	while (got < n && (objs[got] = percu_pool_get(pool)))
		got++;
	return got;
}

PERCU_API void percu_pool_put_bulk(struct percu_pool *pool, void **objs,
				   size_t n)
{
	size_t done = 0;

	pool_check(pool, "put");
	while (done < n && !pool->checked) {
		size_t k =
			record_give(pool, objs + done, n - done, RECORD_COUNT);

		done += k;
		if (!k)
			pool_put_slow(pool, objs[done++]);
	}
	while (done < n) {
		if (!objs[done])
			report_misuse(
				"pool %s: NULL among the objects of a bulk put",
				pool->name);
		pool_put_from(pool, objs[done++], __builtin_return_address(0));
	}
}
