/* SPDX-License-Identifier: MIT */
/*
 * pool/budget.c - where records come from, and how many objects they may hold
 *
 * Records of all pools share mappings ("stripes") of 64 KiB for each index:
 * index i's part of a stripe starts at i << PERCU_RECORD_SHIFT, so the records
 * of one CPU lie together on pages that no other CPU touches, and only those
 * that are used are ever backed by memory.
 *
 * A record is closed (capacity 0) until its CPU first misses in it.  Then it
 * has a quarter of its largest capacity, and grows where that saves visits to
 * the depot.  The capacities of all records of one index, in bytes of objects,
 * stay within the budget of that CPU (PERCU=cpu_cache:BYTES).
 *
 * When the budget is used up, room is taken from records that are not in use:
 * the hand of a clock goes round the pools, and a record of this CPU that has
 * counted no operation since the hand was last there is closed, and what it
 * holds goes to its depot.  So ten thousand pools that are used now and then
 * cost the one that is in use nothing.  Ageing shrinks records too.
 *
 * A capacity only bounds pushes: it may change at any time, from any thread,
 * by compare-and-swap.
 */
#include <string.h>

#include "pool/pool.h"
#include "slab/meta.h"
#include "sys/conf.h"
#include "sys/cpu.h"
#include "sys/delay.h"
#include "sys/os.h"
#include "sys/tool.h"

/* Stripes. ------------------------------------------------------------- */

enum {
	STRIPE_BYTES = 1 << PERCU_RECORD_SHIFT,
	RECORD_STEP = 128, /* adjacent-line prefetch */
	NR_STEPS =
		(offsetof(struct record, slot) + RECORD_MAX * sizeof(void *)) /
			RECORD_STEP +
		2,
};

/* Under the age lock. */
static char *stripe; /* the newest one, or NULL */
static size_t stripe_used;
static char *stripe_free[NR_STEPS]; /* returned records, linked by word */

static size_t record_steps(size_t bytes)
{
	return (bytes + RECORD_STEP - 1) / RECORD_STEP;
}

char *records_alloc(size_t bytes)
{
	size_t steps = record_steps(bytes);
	char *base = stripe_free[steps];

	if (base) {
		stripe_free[steps] = *(char **)base;
		*(char **)base = NULL;
		return base;
	}
	if (!stripe || stripe_used + steps * RECORD_STEP > STRIPE_BYTES) {
		base = os_map((size_t)cpu_info.possible << PERCU_RECORD_SHIFT);
		if (!base)
			return NULL;
		tool_root(base,
			  (size_t)cpu_info.possible << PERCU_RECORD_SHIFT);
		stripe = base;
		stripe_used = 0;
	}
	base = stripe + stripe_used;
	stripe_used += steps * RECORD_STEP;
	return base;
}

void records_free(char *base, size_t bytes)
{
	size_t steps = record_steps(bytes);

	*(char **)base = stripe_free[steps];
	stripe_free[steps] = base;
}

/* Opening and growing. -------------------------------------------------- */

/* Adds n bytes to the budget of an index; false if there is no room. */
static bool budget_add(uint32_t index, uint64_t n)
{
	uint64_t *used = &pools.cached[index];

	if (unlikely(!pools.cached)) /* there was no memory for it at start */
		return false;
	if (__atomic_add_fetch(used, n, __ATOMIC_RELAXED) <= conf.cpu_cache)
		return true;
	__atomic_fetch_sub(used, n, __ATOMIC_RELAXED);
	return false;
}

static void budget_sub(uint32_t index, uint64_t n)
{
	if (unlikely(!pools.cached))
		return;
	__atomic_fetch_sub(&pools.cached[index], n, __ATOMIC_RELAXED);
}

/*
 * Changes the capacity from old to new, within the budget.  True also if
 * somebody else has changed it meanwhile: look again.  Releases: who finds a
 * record open finds its bit in the bitmap set too.
 */
static bool capacity_change(struct percu_pool *p, struct record *r,
			    uint32_t index, uint32_t old, uint32_t new)
{
	uint32_t is = old;
	bool done;

	if (new > old && !budget_add(index, (uint64_t)(new - old) * p->weight))
		return false;
	delay_step();
	done = __atomic_compare_exchange_n(&r->capacity, &is, new, false,
					   __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	if (new > old && !done)
		budget_sub(index, (uint64_t)(new - old) * p->weight);
	if (new < old && done)
		budget_sub(index, (uint64_t)(old - new) * p->weight);
	return true;
}

/* A new record starts with a quarter of what it can become, at least 2. */
static uint32_t capacity_first(const struct percu_pool *p)
{
	return p->capacity_max < 8 ? 2 : p->capacity_max / 4;
}

static uint32_t record_index(const struct percu_pool *p, const struct record *r)
{
	return (uint32_t)(((const char *)r - p->records) >> PERCU_RECORD_SHIFT);
}

/* The clock. -------------------------------------------------------------- */

enum {
	CLOCK_LOOKS = 32, /* pools that the hand passes at once */
	CLOCK_REST = 64,  /* misses to wait after it found nothing */
};

/* Has the record counted nothing since the hand was last here?  (P) */
static bool record_idle(struct percu_pool *p, uint32_t index)
{
	struct record_counts c;
	struct record *r;
	uint16_t ops, seen;
	char *base = __atomic_load_n(&p->records, __ATOMIC_ACQUIRE);

	if (!base ||
	    !(__atomic_load_n(&p->open[index / 64], __ATOMIC_RELAXED) >>
		      index % 64 &
	      1))
		return false;
	r = record_at(base, index);
	if (!__atomic_load_n(&r->capacity, __ATOMIC_RELAXED))
		return false;
	record_read(r, &c);
	ops = (uint16_t)(c.gets + c.puts);
	seen = r->seen;
	r->seen = ops;
	return ops == seen;
}

/* Relaxed: whoever ends the pool waits until it is no longer busy. */
static bool alive(const struct percu_pool *p)
{
	return __atomic_load_n(&p->magic, __ATOMIC_RELAXED) == POOL_ALIVE;
}

/* A pool other than p with an idle record there, held busy, or NULL. */
static struct percu_pool *victim_find(const struct percu_pool *p,
				      uint32_t index)
{
	struct percu_pool *v, *found = NULL;

	lock_take(&pools.list_lock, LOCK_POOLS);
	for (int i = 0; i < CLOCK_LOOKS && !found; i++) {
		pools.hand = pools.hand->next;
		if (pools.hand == &pools.list)
			continue;
		v = list_entry(pools.hand, struct percu_pool, pools);
		if (v != p && alive(v) && record_idle(v, index))
			found = v;
	}
	if (found)
		found->busy++;
	lock_give(&pools.list_lock, LOCK_POOLS);
	return found;
}

/*
 * Empties an idle record of this index and closes it, for p.  What it holds can
 * be taken out only while the caller is on that CPU, and only to where there
 * is room for it: p's caller is not to run another pool's callbacks.  A record
 * that is not empty after that stays open, for its objects count.
 */
static bool budget_steal(struct percu_pool *p, uint32_t index)
{
	uint32_t rest = __atomic_load_n(&p->rest, __ATOMIC_RELAXED);
	struct percu_pool *v;
	struct record *r;
	bool empty;

	if (rest) {
		__atomic_store_n(&p->rest, rest - 1, __ATOMIC_RELAXED);
		return false;
	}
	v = victim_find(p, index);
	if (!v) {
		__atomic_store_n(&p->rest, CLOCK_REST, __ATOMIC_RELAXED);
		return false;
	}
	r = record_at(v->records, index);
	if (cpu_index() == index)
		depot_keep(v, r);
	delay_step();
	/* Relaxed: what is pushed meanwhile is not lost, it is only over. */
	empty = !(__atomic_load_n(&r->word, __ATOMIC_RELAXED) &
		  PERCU_WORD_COUNT);
	if (empty)
		capacity_change(v, r, index,
				__atomic_load_n(&r->capacity, __ATOMIC_RELAXED),
				0);
	else
		__atomic_store_n(&p->rest, CLOCK_REST, __ATOMIC_RELAXED);
	pool_busy_leave(v);
	return empty;
}

/* Opens the record with what room there is; steals for the smallest. */
static bool record_open(struct percu_pool *p, struct record *r, uint32_t index)
{
	uint32_t capacity = capacity_first(p);

	/* The bit first: a drainer must not miss what a push then adds. */
	if (!(__atomic_fetch_or(&p->open[index / 64], 1ull << index % 64,
				__ATOMIC_SEQ_CST) >>
		      index % 64 &
	      1))
		meta_account((ptrdiff_t)record_bytes(p));
	delay_step();
	for (;;) {
		if (capacity_change(p, r, index, 0, capacity))
			return true;
		if (budget_steal(p, index))
			continue;
		if (capacity <= 2)
			return false;
		capacity /= 2;
	}
}

/*
 * The record of the CPU that the caller runs on at some moment during the
 * call, open; NULL if there is none for it: an unregistered thread, no memory
 * for records, or no room in the CPU's budget.
 */
struct record *record_here(struct percu_pool *p)
{
	char *base = __atomic_load_n(&p->records, __ATOMIC_ACQUIRE);
	uint32_t index = cpu_index();
	struct record *r;

	if (!base) {
		pool_publish(p);
		base = __atomic_load_n(&p->records, __ATOMIC_ACQUIRE);
	}
	if (!base || index >= cpu_info.possible)
		return NULL;
	r = record_at(base, index);
	if (likely(__atomic_load_n(&r->capacity, __ATOMIC_RELAXED)))
		return r;
	return record_open(p, r, index) ? r : NULL;
}

/*
 * After a miss: is a larger record worth its bytes?  Yes if it is below half
 * of its largest, or misses of both kinds alternate (a pure producer or
 * consumer gains nothing by room), or the depot was contended.
 */
bool record_grow(struct percu_pool *p, struct record *r, enum record_event ev,
		 bool contended)
{
	/* No exchange: who races here misreads a hint, which steers capacity. */
	uint8_t last = __atomic_load_n(&r->last, __ATOMIC_RELAXED);
	uint32_t old = __atomic_load_n(&r->capacity, __ATOMIC_RELAXED);
	uint32_t new = old * 2;

	__atomic_store_n(&r->last, (uint8_t)ev, __ATOMIC_RELAXED);
	__atomic_store_n(&r->missed, 1, __ATOMIC_RELAXED);
	if (!old || old >= p->capacity_max)
		return false;
	if (last && last == ev && !contended && old >= p->capacity_max / 2)
		return false;
	if (new > p->capacity_max)
		new = p->capacity_max;
	return capacity_change(p, r, record_index(p, r), old, new) ||
	       (budget_steal(p, record_index(p, r)) &&
		capacity_change(p, r, record_index(p, r), old, new));
}

/* At each ageing: a record without a miss gives half of its room back. */
void record_relax(struct percu_pool *p, uint32_t index)
{
	struct record *r = record_at(p->records, index);
	uint32_t old = __atomic_load_n(&r->capacity, __ATOMIC_RELAXED);
	uint32_t first = capacity_first(p);

	__atomic_store_n(&r->last, RECORD_NONE, __ATOMIC_RELAXED);
	if (!__atomic_exchange_n(&r->missed, 0, __ATOMIC_RELAXED) && old)
		capacity_change(p, r, index, old,
				old / 2 > first ? old / 2 : 0);
}

/* The pool has ended: the record is as new, and its budget free. */
void record_close(struct percu_pool *p, uint32_t index)
{
	struct record *r = record_at(p->records, index);

	budget_sub(index, (uint64_t)r->capacity * p->weight);
	memset(r, 0, record_bytes(p));
	meta_account(-(ptrdiff_t)record_bytes(p));
}
