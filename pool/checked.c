/* SPDX-License-Identifier: MIT */
/*
 * pool/checked.c - get and put of an instrumented pool
 *
 * A pool with a limit, a reset or the ZERO flag, every pool in debug mode, and
 * every pool under Valgrind, ASan or TSan has the dummy as its front: each get
 * and put misses and ends here, where there is time to look.  Behind it the
 * pool works as any other, with records and magazines.  So the hit path of
 * all others has no test for any of this.
 *
 * OBJ_OUT is set by a get and cleared by a put, so that a put of what is not out
 * is found at once: an object that was put before, and one that was never
 * handed out and waits beside those that were.  Which of the two it is OBJ_PUT
 * says, which a put sets.  It survives the way through the slab: an object that
 * was put once has been out before.
 */
#include <errno.h>
#include <string.h>

#include "pool/pool.h"
#include "sys/report.h"
#include "sys/tool.h"

/* Was it out before? */
static bool mark_out(struct percu_pool *p, void *obj, bool fresh)
{
	if (p->foreign)
		return p->known ? foreign_get(p, obj) : !fresh;
	return __atomic_fetch_or(slab_state(&p->slab, obj), OBJ_OUT,
				 __ATOMIC_RELAXED) &
	       OBJ_PUT;
}

static __attribute__((noinline, noreturn, cold)) void
retired_before(const struct percu_pool *p, const struct span *s, uint32_t i,
	       const void *obj, const char *what)
{
	char where[REPORT_SITE_MAX];

	if (s->site && s->site[i])
		report_misuse("pool %s: %p was %s while it waits for a grace "
			      "period, retired at %s",
			      p->name, obj, what,
			      report_site(s->site[i], where));
	report_misuse("pool %s: %p was %s while it waits for a grace period",
		      p->name, obj, what);
}

static void mark_put(struct percu_pool *p, void *obj, void *site, bool retire)
{
	const char *what = retire ? "retired" : "put";
	struct span *s;
	uint8_t before;
	uint32_t i;

	if (p->foreign) {
		if (p->known)
			foreign_put(p, obj, site);
		return;
	}
	s = slab_find(&p->slab, obj, &i);
	before = __atomic_fetch_or(&s->state[i],
				   retire ? OBJ_PUT | OBJ_RETIRED : OBJ_PUT,
				   __ATOMIC_RELAXED);
	/* Of two threads that put one object, one finds it out. */
	if (!(__atomic_fetch_and(&s->state[i], (uint8_t)~OBJ_OUT,
				 __ATOMIC_RELAXED) &
	      OBJ_OUT)) {
		if (before & OBJ_RETIRED)
			retired_before(p, s, i, obj, what);
		if (before & OBJ_PUT)
			slab_put_twice(&p->slab, obj);
		report_misuse("pool %s: %p was %s, but is not out", p->name,
			      obj, what);
	}
	if (s->site)
		s->site[i] = site;
}

/* Never counts above the limit, or another's get would fail below it. */
static bool limit_enter(struct percu_pool *p)
{
	uint64_t out = counter_read(&p->out);

	if (!p->attr.limit)
		return true;
	while (out < p->attr.limit)
		if (__atomic_compare_exchange_n(&p->out, &out, out + 1, true,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
	counter_add(&p->limit_hits, 1);
	errno = ENOMEM;
	return false;
}

static void limit_leave(struct percu_pool *p)
{
	if (p->attr.limit)
		__atomic_fetch_sub(&p->out, 1, __ATOMIC_RELAXED);
}

/* Do the bytes of an object that comes out mean anything? */
static bool defined(const struct percu_pool *p)
{
	return p->attr.ctor || p->attr.reset || p->foreign;
}

void *checked_get(struct percu_pool *p)
{
	bool fresh, again;
	void *obj;

	if (!limit_enter(p)) {
		counter_add(&p->failures, 1);
		return NULL;
	}
	obj = pool_get_any(p, &fresh);
	if (!obj) {
		limit_leave(p);
		counter_add(&p->failures, 1);
		return NULL;
	}
	tool_acquire(obj);
	again = mark_out(p, obj, fresh);
	if (!p->foreign && !p->slab.class_)
		tool_out(obj, p->attr.size, defined(p));
	if (p->attr.flags & PERCU_POOL_ZERO)
		memset(obj, 0, p->attr.size);
	if (again && p->attr.reset)
		p->attr.reset(obj, p->attr.arg);
	return obj;
}

void checked_put(struct percu_pool *p, void *obj, void *site)
{
	mark_put(p, obj, site, false);
	if (!p->foreign && !p->slab.class_) /* class_put() has said so */
		tool_back(obj, p->attr.size);
	tool_release(obj);
	pool_put_any(p, obj);
	limit_leave(p);
}

/* Readers still look at it: what tools are told waits too. */
void checked_retire(struct percu_pool *p, void *obj, void *site,
		    struct retire_origin *origin)
{
	if (!p->release)
		mark_put(p, obj, site, true);
	if (p->debug)
		origin_note(p, obj, site, origin);
	tool_release(obj);
	limit_leave(p);
}

/* No reader looks at them any more. */
void checked_retired(struct percu_pool *p, void *const *objs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		tool_acquire(objs[i]);
		if (p->debug)
			origin_check(p, objs[i]);
		if (p->foreign)
			continue;
		__atomic_fetch_and(slab_state(&p->slab, objs[i]),
				   (uint8_t)~OBJ_RETIRED, __ATOMIC_RELAXED);
		if (p->slab.class_)
			class_back(objs[i]);
		else
			tool_back(objs[i], p->attr.size);
		tool_release(objs[i]);
	}
}
