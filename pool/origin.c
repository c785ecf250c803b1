/* SPDX-License-Identifier: MIT */
/*
 * pool/origin.c - where retired objects came from, in debug mode
 *
 * While an object waits for a grace period a table knows where it was retired
 * and, if it came from a vector, from which.  So a second retirement of an
 * object that has no state byte (one of a release pool) is found at once, and
 * an object whose grace period is over and that is still in a slot of its
 * vector is found before it is used again: that is the stale slot which
 * nothing clears, by name.  What the program has retired itself is looked for
 * in every vector that releases to its pool.
 *
 * A vector is looked at as a reader does, without its lock, which a batch may
 * hold for as long as it likes: its nodes wait for a round of the same flavor,
 * and the next one is not before this one has ended.
 *
 * A table of chains.  Where there is no memory for an entry the object is not
 * known, and is not checked.
 */
#include "pool/pool.h"
#include "pool/retire.h"
#include "slab/meta.h"
#include "sys/report.h"

enum {
	NR_CHAINS = 4096
};

struct origin {
	struct origin *next;
	const struct percu_pool *pool;
	const void *obj;
	void *site;
	struct retire_origin *from; /* or NULL */
};

static struct lock origins_lock; /* all zero: an unlocked one */
static struct origin *chain[NR_CHAINS];
static struct list listed = { &listed, &listed };

struct lock *origin_lock(void)
{
	return &origins_lock;
}

static struct origin **find(const struct percu_pool *p, const void *obj)
{
	uint64_t h = (uint64_t)(uintptr_t)obj * 0x9e3779b97f4a7c15ull;
	struct origin **o = &chain[h >> 52];

	static_assert(NR_CHAINS == 1 << 12, "what is left of the hash");
	while (*o && ((*o)->obj != obj || (*o)->pool != p))
		o = &(*o)->next;
	return o;
}

void origin_note(struct percu_pool *p, void *obj, void *site,
		 struct retire_origin *from)
{
	struct origin *new = meta_alloc(sizeof(*new)), **o;
	char where[REPORT_SITE_MAX];
	void *before = NULL;

	lock_take(&origins_lock, LOCK_DEPOT);
	o = find(p, obj);
	if (*o) {
		before = (*o)->site;
	} else if (new) {
		*new = (struct origin){ NULL, p, obj, site, from };
		*o = new;
	}
	lock_give(&origins_lock, LOCK_DEPOT);
	if (before)
		report_misuse("pool %s: %p was retired while it waits for a "
			      "grace period, retired at %s",
			      p->name, obj, report_site(before, where));
}

void origin_enter(struct retire_origin *o, const struct percu_pool *pool,
		  const struct rcu_flavor_struct *flavor)
{
	o->pool = pool;
	o->grace = grace_of(flavor);
	lock_take(&origins_lock, LOCK_DEPOT);
	list_add(&o->all, &listed);
	lock_give(&origins_lock, LOCK_DEPOT);
}

/* It is not asked any more when this returns, but for what came from it. */
void origin_leave(struct retire_origin *o)
{
	lock_take(&origins_lock, LOCK_DEPOT);
	list_del(&o->all);
	lock_give(&origins_lock, LOCK_DEPOT);
}

/* In which slot obj is, and of what; or -1. */
static long look(const struct origin *gone, const char **name)
{
	struct retire_origin *from = gone->from;
	long slot = -1;

	if (from) {
		*name = from->name;
		return from->find(from, gone->obj);
	}
	lock_take(&origins_lock, LOCK_DEPOT);
	list_for_each (l, &listed) {
		from = list_entry(l, struct retire_origin, all);
		if (from->pool != gone->pool || from->grace != grace_at_hand())
			continue;
		*name = from->name;
		slot = from->find(from, gone->obj);
		if (slot >= 0)
			break;
	}
	lock_give(&origins_lock, LOCK_DEPOT);
	return slot;
}

/* At the end of a round.  One that is found is not forgotten: it is the end. */
void origin_check(struct percu_pool *p, void *obj)
{
	char where[REPORT_SITE_MAX];
	struct origin **o, *gone;
	const char *name = NULL;
	long slot;

	lock_take(&origins_lock, LOCK_DEPOT);
	o = find(p, obj);
	gone = *o;
	if (gone)
		*o = gone->next;
	lock_give(&origins_lock, LOCK_DEPOT);
	if (!gone)
		return;
	slot = look(gone, &name);
	if (slot >= 0)
		report_misuse("pool %s: %p is still in slot %ld of %s after "
			      "its grace period, retired at %s",
			      p->name, obj, slot, name,
			      report_site(gone->site, where));
	meta_free(gone, sizeof(*gone));
}
