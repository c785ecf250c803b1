/* SPDX-License-Identifier: MIT */
/*
 * pool/left.c - retired objects that nothing else would take
 *
 * Where there is neither a record nor a magazine for a retired object, and no
 * memory to make one, it is left in one of NR_LEFT places that are always
 * there.
 */
#include <string.h>

#include "pool/waiting.h"

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

bool left_add(struct percu_pool *p, struct grace *g, void *obj)
{
	struct left_object *o = left.object;

	lock_take(&left.lock, LOCK_DEPOT);
	while (o < left.object + NR_LEFT && o->obj)
		o++;
	if (o < left.object + NR_LEFT) {
		*o = (struct left_object){ p, g, obj, false };
		__atomic_store_n(&left.n, left.n + 1, __ATOMIC_SEQ_CST);
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

/*
 * (A).  What the record holds, as far as there is room: it is stopped, and no
 * magazine is to be had.  These objects have been counted as retired already,
 * so they count as done with the record, after they count as left: what waits
 * never reads as less than it is.  True: some were, and the caller is to arm.
 */
bool left_move(struct retire *r, struct record *rec)
{
	uint64_t n = 0;

	lock_take(&left.lock, LOCK_DEPOT);
	for (struct left_object *o = left.object; o < left.object + NR_LEFT;
	     o++) {
		void *obj;

		if (o->obj || !record_drain(rec, &obj, 1))
			continue;
		*o = (struct left_object){ r->pool, r->grace, obj, false };
		n++;
	}
	__atomic_store_n(&left.n, left.n + n, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&r->pool->left, n, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&r->done, n, __ATOMIC_RELEASE);
	lock_give(&left.lock, LOCK_DEPOT);
	return n;
}

/* A round begins. */
void left_stage(struct grace *g)
{
	bool any = false;

	if (!__atomic_load_n(&left.n, __ATOMIC_RELAXED))
		return;
	lock_take(&left.lock, LOCK_DEPOT);
	for_each_left (o, g)
		any = o->staged = true;
	lock_give(&left.lock, LOCK_DEPOT);
	if (any)
		grace_defer(g, &left.batch[g - graces.grace], 0);
}

static bool left_next(struct grace *g, struct left_object *next)
{
	bool any = false;

	lock_take(&left.lock, LOCK_DEPOT);
	for_each_left (o, g) {
		if (!o->staged || any)
			continue;
		*next = *o;
		o->obj = NULL;
		__atomic_store_n(&left.n, left.n - 1, __ATOMIC_SEQ_CST);
		any = true;
	}
	lock_give(&left.lock, LOCK_DEPOT);
	return any;
}

/* The pool of the object that this thread is just done with. */
static __thread struct percu_pool *in_hand
	__attribute__((tls_model("initial-exec")));

/* The round's grace period is over. */
void left_done(const struct grace_wait *w)
{
	struct grace *g = &graces.grace[w - left.batch];
	struct left_object o;

	while (left_next(g, &o)) {
		in_hand = o.pool;
		magazine_check_in(o.pool, &o.obj, 1);
		magazine_check_out(o.pool, &o.obj, 1);
		reclaim(o.pool, &o.obj, 1);
		__atomic_fetch_sub(&o.pool->left, 1, __ATOMIC_SEQ_CST);
		in_hand = NULL;
	}
}

/* The child: what a round had staged is staged anew; counts are made anew. */
void left_after_fork(void)
{
	lock_init(&left.lock);
	for (struct left_object *o = left.object; o < left.object + NR_LEFT;
	     o++) {
		if (!o->obj)
			continue;
		o->staged = false;
		o->pool->left++;
		if (!o->grace->flush_at)
			o->grace->flush_at = 1;
	}
	if (in_hand)
		in_hand->left++;
}

struct grace *left_grace(const struct percu_pool *p)
{
	struct grace *g = graces.grace;

	lock_take(&left.lock, LOCK_DEPOT);
	for (struct left_object *o = left.object; o < left.object + NR_LEFT;
	     o++)
		if (o->obj && o->pool == p)
			g = o->grace;
	lock_give(&left.lock, LOCK_DEPOT);
	return g;
}

bool left_room(void *arg)
{
	(void)arg;
	return __atomic_load_n(&left.n, __ATOMIC_SEQ_CST) < NR_LEFT;
}

struct lock *left_lock(void)
{
	return &left.lock;
}

void left_init(void)
{
	lock_init(&left.lock);
}

bool left_is(const struct grace_wait *w)
{
	return w >= left.batch && w < left.batch + NR_GRACES;
}
