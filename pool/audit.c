/* SPDX-License-Identifier: MIT */
/*
 * pool/audit.c - the conservation check
 *
 * Walks every place where an object of a pool can be and proves that each is
 * in exactly one: marks what it meets in records and magazines (OBJ_SEEN),
 * those of retirement among them, meeting none twice, then walks the spans,
 * where each live object that was not met must be out, and so many must be out
 * as were got and not put.
 *
 * The pool must be quiet: no thread gets or puts meanwhile.  Objects may wait
 * for a grace period that a reader holds back.  A reclaimer that is just done
 * with one is not quiet: see percu_pool_barrier().
 */
#include <errno.h>

#include "pool/waiting.h"
#include "sys/cpu.h"
#include "sys/report.h"

struct walk {
	struct percu_pool *pool;
	struct audit *sum;
	uint64_t live, seen;
	int err;
};

static void wrong(struct walk *w, const char *what, const void *obj)
{
	report_warn("audit: pool %s: %s (%p)", w->pool->name, what, obj);
	w->err = -EUCLEAN;
}

static void meet(struct walk *w, void *const *objs, size_t n, bool idle)
{
	for (size_t i = 0; i < n && !w->pool->foreign; i++) {
		uint8_t *state = slab_state(&w->pool->slab, objs[i]);

		if (*state & OBJ_SEEN)
			wrong(w, "object in two places", objs[i]);
		if (!(*state & OBJ_IDLE) != !idle)
			wrong(w, "OBJ_IDLE is wrong", objs[i]);
		*state |= OBJ_SEEN;
	}
}

static void walk_records(struct walk *w)
{
	struct percu_pool *p = w->pool;

	for (uint32_t i = 0; p->records && i < cpu_info.possible; i++) {
		struct record *r = record_at(p->records, i);
		size_t n = r->word & PERCU_WORD_COUNT;

		meet(w, r->slot, n, false);
		w->sum->records += n;
	}
}

static void walk_magazines(struct walk *w, struct list *head)
{
	list_for_each (l, head) {
		struct magazine *m = list_entry(l, struct magazine, list);

		meet(w, m->slot, m->count, true);
		w->sum->depot += m->count;
	}
}

/* The retires of the pool are stopped. */
static void walk_retired(struct walk *w)
{
	for_each_retire (r, w->pool) {
		for_each_open (r, i) {
			struct record *rec = record_at(r->records, i);
			size_t n = rec->word & PERCU_WORD_COUNT;

			meet(w, rec->slot, n, false);
			w->sum->deferred += n;
		}
		if (!r->partial)
			continue;
		meet(w, r->partial->slot, r->partial->count, true);
		w->sum->deferred += r->partial->count;
	}
}

/* graces.lock is held, so a round that waits for readers goes on to. */
static void walk_waiting(struct walk *w, const struct grace_wait *wait)
{
	for (; wait; wait = wait->next) {
		const struct magazine *m = (const struct magazine *)wait;

		if (left_is(wait) || m->retire->pool != w->pool)
			continue;
		meet(w, m->slot, m->count, true);
		w->sum->deferred += m->count;
	}
}

static void walk_span(struct span *s, void *arg)
{
	struct walk *w = arg;

	for (uint32_t i = 0; i < s->nobj; i++) {
		uint8_t *state = &s->state[i];

		w->live += *state & OBJ_LIVE;
		w->seen += !!(*state & OBJ_SEEN);
		w->sum->slab += (*state & (OBJ_LIVE | OBJ_MADE)) == OBJ_MADE;
		if ((*state & (OBJ_LIVE | OBJ_SEEN)) == OBJ_SEEN)
			wrong(w, "free object in a magazine",
			      (char *)s->start + (size_t)i * s->size);
		*state &= (uint8_t)~OBJ_SEEN;
	}
}

/* How many are out, by what was made and what was met. */
static uint64_t count_out(struct walk *w)
{
	struct percu_pool *p = w->pool;
	uint64_t met = w->sum->records + w->sum->depot + w->sum->deferred;
	uint64_t left = __atomic_load_n(&p->left, __ATOMIC_RELAXED);

	w->sum->deferred += left;
	if (p->release)
		return 0;
	if (p->foreign)
		return counter_read(&p->made) - counter_read(&p->unmade) - met -
		       left;
	slab_for_each_span(&p->slab, walk_span, w);
	if (w->seen != met)
		wrong(w, "objects met are not all in spans", NULL);
	return w->live - w->seen - left;
}

/* gets and puts are what the pool says of itself. */
static void check_sums(struct walk *w)
{
	struct percu_pool *p = w->pool;
	struct pool_sums sum;
	uint64_t out;

	pool_sum(p, &sum);
	out = p->release ? 0 : sum.gets - sum.puts;
	/* A fork loses to the child what other threads had in their hands. */
	if (p->forked ? out > w->sum->out : out != w->sum->out)
		wrong(w, "gets - puts is not what is out", NULL);
	if (p->forked ? sum.deferred < w->sum->deferred :
			sum.deferred != w->sum->deferred)
		wrong(w, "what is deferred is not what waits", NULL);
}

/* The pool's records and those of what was retired to it are the caller's. */
static void audit_stop(struct walk *w)
{
	pool_stop(w->pool);
	for_each_retire (r, w->pool) {
		retire_stop(r);
		if (cpu_info.rseq)
			continue;
		for_each_open (r, i)
			quiesce_record(record_at(r->records, i));
	}
	if (pools_quiesce(w->pool))
		wrong(w, "the fence failed", NULL);
}

static void audit_start(struct percu_pool *p)
{
	for_each_retire (r, p)
		retire_start(r);
	pool_start(p);
}

int pool_audit(struct percu_pool *p, struct audit *a)
{
	struct walk w = { .pool = p, .sum = a };

	*a = (struct audit){ 0 };
	pool_check(p, "audit");
	lock_take(&graces.lock, LOCK_GRACE);
	lock_take(&pools.age, LOCK_AGE);
	audit_stop(&w);
	lock_take(&p->depot.lock, LOCK_DEPOT);
	walk_records(&w);
	walk_magazines(&w, &p->depot.full);
	walk_magazines(&w, &p->depot.victim);
	walk_magazines(&w, &p->condemned);
	if (w.sum->depot != p->depot.nobj)
		wrong(&w, "the depot has lost count", NULL);
	walk_retired(&w);
	for (int i = 0; i < NR_GRACES; i++) {
		walk_waiting(&w, graces.grace[i].round);
		walk_waiting(&w, graces.grace[i].inbox);
	}
	a->out = count_out(&w);
	lock_give(&p->depot.lock, LOCK_DEPOT);
	check_sums(&w);
	audit_start(p);
	lock_give(&pools.age, LOCK_AGE);
	lock_give(&graces.lock, LOCK_GRACE);
	return w.err;
}
