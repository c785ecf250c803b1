/* SPDX-License-Identifier: MIT */
/*
 * pool/reclaim.c - what happens to what has waited
 *
 * The layer below calls when a round begins and when a batch of it is done.
 * A magazine whose grace period is over is a full magazine of its pool's
 * depot; a release pool's objects are released.  All of this runs in the
 * reclaimer, or in who waits where there is none, without locks.
 */
#include <string.h>

#include "pool/waiting.h"
#include "sys/conf.h"
#include "sys/delay.h"
#include "sys/tool.h"

/*
 * A pool of the flavor that has ripe magazines and to which nothing was
 * retired since the last look, held busy; or NULL, and then again says whether
 * to look later.  One that has ended is its destroyer's: it ends under the age
 * lock, and after that waits until it is no longer busy.
 */
static struct percu_pool *settled_find(const struct grace *g, bool *again)
{
	struct percu_pool *found = NULL;

	*again = false;
	lock_take(&pools.age, LOCK_AGE);
	list_for_each (l, &retires) {
		struct retire *r = to_retire(l);
		uint64_t in = counter_read(&r->in);

		if (found || r->grace != g || r->pool->ended ||
		    !__atomic_load_n(&r->ripe, __ATOMIC_RELAXED))
			continue;
		if (in == r->seen) {
			__atomic_store_n(&r->ripe, false, __ATOMIC_RELAXED);
			found = r->pool;
			pool_busy_enter(found);
		} else {
			*again = true;
		}
	}
	lock_give(&pools.age, LOCK_AGE);
	return found;
}

static void seen_all(const struct grace *g)
{
	lock_take(&pools.age, LOCK_AGE);
	list_for_each (l, &retires)
		if (to_retire(l)->grace == g)
			to_retire(l)->seen = counter_read(&to_retire(l)->in);
	lock_give(&pools.age, LOCK_AGE);
}

/*
 * A round begins: what the records of the flavor hold joins it.  What was ripe
 * already at the flush before, in a pool that is quiet since, is trimmed.
 */
static void on_flush(struct grace *g)
{
	struct which w = { .grace = g };
	struct percu_pool *p;
	bool again;

	left_stage(g);
	while ((p = settled_find(g, &again))) {
		depot_trim(p);
		pool_busy_leave(p);
	}
	seen_all(g);
	retire_flush(&w); /* if it fails it is armed again */
	if (again)
		grace_arm(g);
}

/* Objects that are checked out, which no reader sees any more. */
void reclaim(struct percu_pool *p, void **objs, size_t n)
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

enum {
	TOGETHER = 64 /* magazines that come back to their pool at once */
};

/* Taken off a round, and not counted as done: of use to who forks meanwhile. */
static __thread struct hand {
	struct retire *retire;
	uint64_t taken, bytes;
} hand __attribute__((tls_model("initial-exec")));

void reclaim_after_fork(void)
{
	if (!hand.retire)
		return;
	hand.retire->in += hand.taken;
	__atomic_fetch_add(&graces.bytes, hand.bytes, __ATOMIC_RELAXED);
}

static void release(struct percu_pool *p, struct magazine *m)
{
	void *objs[MAGAZINE_MAX];
	size_t n = m->count;

	memcpy(objs, m->slot, n * sizeof(*objs));
	depot_return(p, m); /* a callback may want it */
	reclaim(p, objs, n);
}

/* Takes the first magazines that have the first one's pool. */
static void on_done(struct grace_wait **round)
{
	struct magazine *m = (struct magazine *)*round;
	uint64_t bytes = 0, n = 0, taken = 0;
	struct retire *r;
	struct list back;

	if (unlikely(left_is(*round))) {
		*round = (*round)->next;
		left_done(&m->wait);
		return;
	}
	list_init(&back);
	for (r = m->retire;
	     m && !left_is(&m->wait) && m->retire == r && taken < TOGETHER;
	     m = (struct magazine *)*round) {
		*round = m->wait.next;
		bytes += retire_weight(m);
		n += m->count;
		taken++;
		hand = (struct hand){ r, taken, bytes };
		if (r->pool->release) {
			release(r->pool, m);
			break;
		}
		if (r->pool->checked)
			checked_retired(r->pool, m->slot, m->count);
		if (likely(m->count))
			list_add_tail(&m->list, &back);
		else
			depot_return(r->pool, m);
	}
	if (!list_empty(&back)) {
		delay_step();
		depot_receive(r->pool, &back);
		if (!__atomic_exchange_n(&r->ripe, true, __ATOMIC_RELAXED))
			grace_arm(r->grace);
	}
	delay_step();
	/* Releases, both: what was done is seen by who finds it counted. */
	__atomic_fetch_add(&r->done, n, __ATOMIC_RELEASE);
	delay_step();
	__atomic_fetch_add(&r->out, taken, __ATOMIC_SEQ_CST);
	delay_step();
	grace_undefer(bytes);
	hand.retire = NULL;
}

static void on_weigh(const struct grace_wait *w, struct grace_load *load)
{
	const struct magazine *m = (const struct magazine *)w;

	*load = (struct grace_load){ .pool = "left" };
	if (left_is(w))
		return;
	load->pool = m->retire->pool->name;
	load->objects = m->count;
	load->bytes = retire_weight(m);
}

static bool on_again(struct grace_wait *w)
{
	struct magazine *m = (struct magazine *)w;

	if (left_is(w))
		return false;
	m->retire->in++;
	__atomic_fetch_add(&graces.bytes, retire_weight(m), __ATOMIC_RELAXED);
	return true;
}

static const struct grace_ops ops = { on_flush, on_done, on_weigh, on_again };

void retire_init(void)
{
	uint64_t soft = conf.defer_soft, hard = conf.defer_hard;

	/* 2 MiB a CPU, as things are by default: see Documentation/. */
	if (!soft)
		soft = pools.depot_max * 4;
	if (!hard)
		hard = soft * 16;
	left_init();
	grace_init(&ops, soft, hard > soft ? hard : soft);
}

/* Objects retired to the pool, ever, and of these what waits. */
uint64_t retire_count(struct percu_pool *p, uint64_t *waiting)
{
	uint64_t done = 0, all = 0;
	struct record_counts c;

	/* What is done is read before what was retired: never more. */
	for_each_retire (r, p)
		done += __atomic_load_n(&r->done, __ATOMIC_ACQUIRE);
	done += __atomic_load_n(&p->left_in, __ATOMIC_ACQUIRE);
	done -= __atomic_load_n(&p->left, __ATOMIC_ACQUIRE);
	all = __atomic_load_n(&p->left_in, __ATOMIC_ACQUIRE);
	for_each_retire (r, p) {
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
