/* SPDX-License-Identifier: MIT */
/*
 * pool/foreign.c - what is known of foreign objects
 *
 * A foreign object has no span and so no state byte: nothing tells a pool
 * whether a pointer is one of its objects, was put before, or has been out at
 * all.  In debug mode, and where a reset must not run before an object's first
 * time, a pool keeps a table of the objects that it made.
 *
 * The table is open addressing, linear probing, at most half full; an object
 * that leaves is replaced by moving its successors up, so there are no
 * tombstones.  One lock guards it; it is held for a probe, never over a call.
 */
#include "pool/pool.h"
#include "slab/meta.h"
#include "sys/report.h"

struct entry {
	void *obj;
	void *site; /* who put it last; NULL: it is out */
	bool used;  /* it has been out */
};

struct foreign {
	struct lock lock;
	struct entry *entry;
	size_t size, used; /* size: a power of two, or 0 */
	size_t expected;   /* objects that are being made */
};

struct foreign *foreign_new(void)
{
	struct foreign *f = meta_alloc(sizeof(*f));

	if (f)
		lock_init(&f->lock);
	return f;
}

void foreign_delete(struct foreign *f)
{
	if (!f)
		return;
	if (f->entry)
		meta_free(f->entry, f->size * sizeof(*f->entry));
	meta_free(f, sizeof(*f));
}

struct lock *foreign_lock(struct foreign *f)
{
	return &f->lock;
}

static size_t slot_of(const struct foreign *f, const void *obj)
{
	uint64_t h = (uint64_t)(uintptr_t)obj * 0x9e3779b97f4a7c15ull;

	return (size_t)(h >> 32) & (f->size - 1);
}

/* The entry of obj, or the free one where it would be. */
static struct entry *probe(const struct foreign *f, const void *obj)
{
	size_t i = slot_of(f, obj);

	while (f->entry[i].obj && f->entry[i].obj != obj)
		i = (i + 1) & (f->size - 1);
	return &f->entry[i];
}

static bool grow(struct foreign *f)
{
	struct foreign old = *f;

	f->size = old.size ? old.size * 2 : 64;
	f->entry = meta_alloc(f->size * sizeof(*f->entry));
	if (!f->entry) {
		f->size = old.size;
		f->entry = old.entry;
		return false;
	}
	for (size_t i = 0; i < old.size; i++)
		if (old.entry[i].obj)
			*probe(f, old.entry[i].obj) = old.entry[i];
	if (old.entry)
		meta_free(old.entry, old.size * sizeof(*old.entry));
	return true;
}

/*
 * There is room for one object more, which is about to be made.  False: no
 * memory for that.  Before it is made, for not every pool can destroy it.
 */
bool foreign_expect(struct percu_pool *p)
{
	struct foreign *f = p->known;
	bool ok = true;

	lock_take(&f->lock, LOCK_SLAB);
	if (2 * (f->used + f->expected + 1) > f->size)
		ok = grow(f);
	f->expected += ok;
	lock_give(&f->lock, LOCK_SLAB);
	return ok;
}

/* The pool has made what was expected, and it is out; NULL: it has not. */
void foreign_made(struct percu_pool *p, void *obj)
{
	struct foreign *f = p->known;

	lock_take(&f->lock, LOCK_SLAB);
	f->expected--;
	if (obj) {
		*probe(f, obj) = (struct entry){ .obj = obj };
		f->used++;
	}
	lock_give(&f->lock, LOCK_SLAB);
}

/* The pool is about to destroy obj. */
void foreign_unmade(struct percu_pool *p, void *obj)
{
	struct foreign *f = p->known;
	size_t hole, i, home;

	lock_take(&f->lock, LOCK_SLAB);
	hole = (size_t)(probe(f, obj) - f->entry);
	f->entry[hole].obj = NULL;
	f->used--;
	/* What was pushed past the hole by a collision moves back to it. */
	for (i = (hole + 1) & (f->size - 1); f->entry[i].obj;
	     i = (i + 1) & (f->size - 1)) {
		home = slot_of(f, f->entry[i].obj);
		if (((i - home) & (f->size - 1)) < ((i - hole) & (f->size - 1)))
			continue;
		f->entry[hole] = f->entry[i];
		f->entry[i].obj = NULL;
		hole = i;
	}
	lock_give(&f->lock, LOCK_SLAB);
}

/* Has it been out before? */
bool foreign_get(struct percu_pool *p, void *obj)
{
	struct foreign *f = p->known;
	struct entry *e;
	bool used;

	lock_take(&f->lock, LOCK_SLAB);
	e = probe(f, obj);
	used = e->used;
	e->used = true;
	e->site = NULL;
	lock_give(&f->lock, LOCK_SLAB);
	return used;
}

void foreign_put(struct percu_pool *p, void *obj, void *site)
{
	struct foreign *f = p->known;
	struct entry *e = NULL;
	char where[REPORT_SITE_MAX];
	void *before = NULL;

	lock_take(&f->lock, LOCK_SLAB);
	if (f->size)
		e = probe(f, obj);
	if (e && e->obj) {
		before = e->site;
		e->site = site;
	} else {
		e = NULL;
	}
	lock_give(&f->lock, LOCK_SLAB);
	if (!e)
		report_misuse("pool %s: %p is not an object of this pool",
			      p->name, obj);
	if (before)
		report_misuse("pool %s: %p was put twice, first at %s", p->name,
			      obj, report_site(before, where));
}
