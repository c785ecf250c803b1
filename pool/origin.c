/* SPDX-License-Identifier: MIT */
/*
 * pool/origin.c - where retired objects came from, in debug mode
 *
 * While an object waits for a grace period a table knows where it was retired
 * and, if it came from a vector, from which.  So a second retirement of an
 * object that has no state byte (one of a release pool) is found at once, and
 * an object whose grace period is over and that is still in a slot of its
 * vector is found before it is used again: that is the stale slot which
 * nothing clears, by name.
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

void origin_check(struct percu_pool *p, void *obj)
{
	char where[REPORT_SITE_MAX];
	struct origin **o, *gone;
	long slot = -1;

	lock_take(&origins_lock, LOCK_DEPOT);
	o = find(p, obj);
	gone = *o;
	if (gone)
		*o = gone->next;
	lock_give(&origins_lock, LOCK_DEPOT);
	if (!gone)
		return;
	if (gone->from)
		slot = gone->from->find(gone->from, obj);
	if (slot >= 0)
		report_misuse("pool %s: %p is still in slot %ld of %s after "
			      "its grace period, retired at %s",
			      p->name, obj, slot, gone->from->name,
			      report_site(gone->site, where));
	meta_free(gone, sizeof(*gone));
}
