/* SPDX-License-Identifier: MIT */
/*
 * slab/slab.c - a pool's spans and the objects in them
 *
 * A span's objects begin at its start, one every s->size bytes, so that an
 * alignment that divides the size and the page holds for all of them.  Whether
 * an object is free is one bit of a byte outside of it (enum obj_state): what
 * a constructed object holds is not touched while it waits.
 *
 * Spans are kept by how full they are, and objects come from the fullest one
 * that has any: the others get the chance to become empty.  One empty span is
 * kept, so that a pool that swings around a span's border does not go to the
 * heap at each swing; the next one goes back at once, as far as the reserve
 * allows.
 *
 * The heap and the destructors are called outside the lock.  So between taking
 * the lock twice everything may have changed: slab_alloc() enters a new span
 * as an empty one and begins again, and gives the surplus back at the end.
 *
 * The index of an object is offset * magic >> 40, with
 * magic = ceil(2^40 / size) = (2^40 + e) / size, 0 <= e < size.  It is exact
 * for offset < 2^21 and size < 2^19: let offset = q * size + r, r < size; then
 *
 *	offset * magic / 2^40 = q + (r + offset * e / 2^40) / size,
 *
 * and offset * e < 2^21 * 2^19 = 2^40 keeps the bracket below r + 1 <= size.
 * offset * magic does not overflow: magic <= 2^37 from a size of 8 on.  Spans
 * have at most SPAN_MAX_PAGES, less than 2^19 bytes, and so have objects.
 *
 * Lock order: LOCK_SLAB; LOCK_HEAP and LOCK_META are taken without it.
 *
 * Words
 *	live	handed out (OBJ_LIVE); free is the opposite
 *	made	constructed (OBJ_MADE), live or free
 *	fullness	which list a span is on
 *	spare	an empty span that the reserve does not need
 *	gone	the list of spans on their way to the heap
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "slab/class.h"
#include "slab/heap.h"
#include "slab/meta.h"
#include "slab/slab.h"
#include "slab/span_cut.h"
#include "sys/delay.h"
#include "sys/report.h"

enum {
	FULL = SLAB_NR_FULLNESS,
	EMPTY,
	MAX_ALIGN = 4096,
};

#define LIVE_BYTES 0x0101010101010101u /* OBJ_LIVE in each of 8 */

/* Eight states at once. */
struct states {
	uint64_t word;
} __attribute__((may_alias));

int slab_init(struct slab *s, size_t size, size_t align, uint8_t class_,
	      void *owner)
{
	if (!size || size > OBJ_MAX_SIZE || align & (align - 1) ||
	    align > MAX_ALIGN)
		return -EINVAL;
	if (!align)
		align = (size | 16) & -(size | 16);
	if (size < OBJ_MIN_SIZE)
		size = OBJ_MIN_SIZE;
	/* At most OBJ_MAX_SIZE still: it is a multiple of each alignment. */
	size = (size + align - 1) & ~(align - 1);

	memset(s, 0, sizeof(*s));
	s->size = (uint32_t)size;
	s->align = (uint32_t)align;
	/* The table has what the rule gives, without the search. */
	s->span_pages = class_ ? class_pages[class_ - 1] :
				 span_cut_pages(s->size);
	s->nobj = (s->span_pages << PAGE_SHIFT_) / s->size;
	s->class_ = class_;
	s->owner = owner;
	lock_init(&s->lock);
	for (int f = 0; f < SLAB_NR_FULLNESS; f++)
		list_init(&s->partial[f]);
	list_init(&s->full);
	list_init(&s->empty);
	return 0;
}

/* Spans between heap and slab; no lock is held. --------------------------- */

/* Room for whole words. */
static size_t states_size(uint32_t nobj)
{
	return (nobj + 7) & ~(size_t)7;
}

static void span_cut(struct span *span, struct slab *s, uint8_t *state,
		     void **site)
{
	memset(state + s->nobj, OBJ_LIVE, states_size(s->nobj) - s->nobj);
	span->size = s->size;
	span->nobj = s->nobj;
	span->nfree = s->nobj;
	span->nmade = 0;
	span->cursor = 0;
	span->magic = span_magic(s->size);
	span->state = state;
	span->site = site;
	span->fullness = EMPTY;
	span->slab = s;
}

static struct span *span_new(struct slab *s)
{
	uint8_t *state = meta_alloc(states_size(s->nobj));
	void **site = s->debug ? meta_alloc(s->nobj * sizeof(*site)) : NULL;
	struct span *span = NULL;

	if (state && (site || !s->debug))
		span = heap_alloc(s->span_pages, 1, SPAN_SLAB, s->class_, NULL);
	if (span) {
		span_cut(span, s, state, site);
	} else {
		meta_free(state, states_size(s->nobj));
		meta_free(site, s->nobj * sizeof(*site));
	}
	return span;
}

/* Out of the map before the states go: a late put of an object finds no span. */
static void span_dispose(struct slab *s, struct span *span, uint64_t idle_since)
{
	uint8_t *state = span->state;
	void **site = span->site;
	uintptr_t p = span->start;

	for (uint32_t i = 0; s->dtor && i < span->nobj; i++, p += span->size)
		if (state[i] & OBJ_MADE)
			s->dtor((void *)p, s->arg);
	delay_step();
	heap_free(span, idle_since);
	delay_step();
	meta_free(state, states_size(s->nobj));
	meta_free(site, s->nobj * sizeof(*site));
}

static struct span *to_span(struct list *l)
{
	return list_entry(l, struct span, list);
}

static void dispose_all(struct slab *s, struct list *gone, uint64_t idle_since)
{
	while (!list_empty(gone)) {
		struct span *span = to_span(gone->next);

		list_del(&span->list);
		span_dispose(s, span, idle_since);
	}
}

/* Under the lock, from here on. ------------------------------------------- */

static struct list *fullness_list(struct slab *s, uint8_t fullness)
{
	if (fullness < SLAB_NR_FULLNESS)
		return &s->partial[fullness];
	return fullness == FULL ? &s->full : &s->empty;
}

static uint8_t fullness_of(const struct span *span)
{
	uint32_t nfree = span->nfree, nobj = span->nobj;

	if (!nfree)
		return FULL;
	if (nfree == nobj)
		return EMPTY;
	return (uint8_t)((4 * nfree >= nobj) + (2 * nfree >= nobj) +
			 (4 * nfree >= 3 * nobj));
}

/* Puts the span where it belongs after nfree changed. */
static void span_requeue(struct slab *s, struct span *span)
{
	uint8_t fullness = fullness_of(span);

	if (fullness == span->fullness)
		return;
	s->nempty += (uint64_t)(fullness == EMPTY) - (span->fullness == EMPTY);
	span->fullness = fullness;
	list_del(&span->list);
	list_add(&span->list, fullness_list(s, fullness));
}

static void span_enter(struct slab *s, struct span *span)
{
	list_add(&span->list, &s->empty);
	s->nempty++;
	s->nspans++;
	s->nfree += span->nobj;
}

/* Relaxed: created only grows, which errs on the side of keeping less. */
static bool span_spare(const struct slab *s, const struct span *span)
{
	uint64_t made =
		__atomic_load_n(&s->created, __ATOMIC_RELAXED) - s->destroyed;

	return !span->nmade || made - span->nmade >= s->reserve;
}

static void span_leave(struct slab *s, struct span *span, struct list *gone)
{
	list_del(&span->list);
	list_add_tail(&span->list, gone);
	s->nempty--;
	s->nspans--;
	s->nfree -= span->nobj;
	/* Relaxed: the lock orders its writers, and statistics need no order. */
	__atomic_store_n(&s->destroyed, s->destroyed + span->nmade,
			 __ATOMIC_RELAXED);
}

/*
 * Moves spare spans to gone, the longest empty first, until keep empty ones
 * are left.  A trim (keep 0) looks at all; else the first one that must stay
 * ends it, or a large reserve would be walked at each free.
 */
static void surplus_leave(struct slab *s, uint64_t keep, struct list *gone)
{
	struct list *l = s->empty.prev, *prev;

	for (; l != &s->empty && s->nempty > keep; l = prev) {
		prev = l->prev;
		if (span_spare(s, to_span(l)))
			span_leave(s, to_span(l), gone);
		else if (keep)
			break;
	}
}

/* Alloc. ------------------------------------------------------------------ */

/*
 * Takes up to n objects of the eight at index i; *free, a bit a byte, says
 * which can be had.  Bytes of live objects change meanwhile, under their
 * owners: only where all eight are free is the word written as one.
 */
static size_t states_take(struct span *span, uint32_t i, uint64_t *free,
			  void **objs, size_t n)
{
	uint8_t *state = &span->state[i];
	uintptr_t p = span->start + (uintptr_t)i * span->size;
	size_t got = 0;

	if (*free == LIVE_BYTES && n >= 8) {
		struct states *states = (struct states *)state;

		__atomic_store_n(&states->word, states->word | LIVE_BYTES,
				 __ATOMIC_RELAXED);
		for (; got < 8; got++, p += span->size)
			objs[got] = (void *)p;
		*free = 0;
	}
	for (; *free && got < n; *free &= *free - 1) {
		uint32_t k = (uint32_t)__builtin_ctzll(*free) / 8;

		__atomic_store_n(&state[k], state[k] | OBJ_LIVE,
				 __ATOMIC_RELAXED);
		objs[got++] = (void *)(p + (uintptr_t)k * span->size);
	}
	return got;
}

static size_t span_take(struct span *span, void **objs, size_t n)
{
	size_t got = 0;
	uint32_t i = span->cursor & ~7u;

	while (i < span->nobj && got < n) {
		struct states *states = (struct states *)&span->state[i];
		/* Relaxed: of bytes that others write, OBJ_LIVE alone is used. */
		uint64_t word = le64toh(
			__atomic_load_n(&states->word, __ATOMIC_RELAXED));
		uint64_t free = ~word & LIVE_BYTES;

		got += states_take(span, i, &free, objs + got, n - got);
		if (free)
			break;
		i += 8;
	}
	span->cursor = i;
	span->nfree -= (uint32_t)got;
	return got;
}

/* The fullest span with a free object, or NULL. */
static struct span *span_pick(struct slab *s)
{
	for (int f = 0; f < SLAB_NR_FULLNESS; f++)
		if (!list_empty(&s->partial[f]))
			return to_span(s->partial[f].next);
	return list_empty(&s->empty) ? NULL : to_span(s->empty.next);
}

static size_t slab_take(struct slab *s, void **objs, size_t n)
{
	struct span *span;
	size_t got = 0;

	while (got < n && (span = span_pick(s))) {
		got += span_take(span, objs + got, n - got);
		span_requeue(s, span);
	}
	s->nfree -= got;
	return got;
}

size_t slab_alloc(struct slab *s, void **objs, size_t n)
{
	struct list gone;
	size_t got;

	list_init(&gone);
	lock_take(&s->lock, LOCK_SLAB);
	got = slab_take(s, objs, n);
	while (got < n) {
		struct span *span;

		lock_give(&s->lock, LOCK_SLAB);
		delay_step();
		span = span_new(s);
		delay_step();
		lock_take(&s->lock, LOCK_SLAB);
		if (span)
			span_enter(s, span);
		/* Without a span too: another thread may have freed some. */
		got += slab_take(s, objs + got, n - got);
		if (!span)
			break;
	}
	surplus_leave(s, 1, &gone);
	lock_give(&s->lock, LOCK_SLAB);
	delay_step();
	dispose_all(s, &gone, heap_cycle());
	return got;
}

/* The bytes are the caller's: it owns the objects. */
void slab_made(struct slab *s, void *const *objs, size_t n)
{
	struct slab_near near = { 0 };
	struct span *span = NULL;
	uint32_t made = 0;
	uint64_t all = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t state, *byte;

		byte = slab_state_near(s, &near, objs[i], &state);
		if (state & OBJ_MADE)
			continue;
		__atomic_store_n(byte, state | OBJ_MADE, __ATOMIC_RELAXED);
		if (near.span != span && made)
			__atomic_add_fetch(&span->nmade, made,
					   __ATOMIC_RELAXED);
		made = near.span != span ? 1 : made + 1;
		span = near.span;
		all++;
	}
	if (!all)
		return;
	__atomic_add_fetch(&span->nmade, made, __ATOMIC_RELAXED);
	__atomic_add_fetch(&s->created, all, __ATOMIC_RELAXED);
}

/* Free. ------------------------------------------------------------------- */

/*
 * As slab_find(), without the map if obj is in span, the one before it's; what
 * is wrong with obj is slab_find()'s to say.
 */
static struct span *find_near(const struct slab *s, struct span *span,
			      const void *obj, uint32_t *index)
{
	uintptr_t bytes = (uintptr_t)s->span_pages << PAGE_SHIFT_;

	if (span && (uintptr_t)obj - span->start < bytes) {
		*index = span_object(span, obj);
		/* Relaxed: as in slab_find(). */
		if (*index != UINT32_MAX &&
		    __atomic_load_n(&span->state[*index], __ATOMIC_RELAXED) &
			    OBJ_LIVE)
			return span;
	}
	return slab_find(s, obj, index);
}

/* Under the lock, so that of two threads that free one object one is caught. */
static void slab_give(struct slab *s, void *const *objs, size_t n)
{
	struct span *span = NULL;

	for (size_t i = 0; i < n; i++) {
		uint32_t index;
		struct span *next = find_near(s, span, objs[i], &index);

		if (next != span && span)
			span_requeue(s, span);
		span = next;
		/* Relaxed: see states_take(). */
		__atomic_store_n(&span->state[index],
				 span->state[index] & (OBJ_MADE | OBJ_PUT),
				 __ATOMIC_RELAXED);
		span->nfree++;
		if (index < span->cursor)
			span->cursor = index;
	}
	if (span)
		span_requeue(s, span);
	s->nfree += n;
}

void slab_free(struct slab *s, void *const *objs, size_t n, uint64_t idle_since)
{
	struct list gone;

	list_init(&gone);
	lock_take(&s->lock, LOCK_SLAB);
	slab_give(s, objs, n);
	surplus_leave(s, 1, &gone);
	lock_give(&s->lock, LOCK_SLAB);
	delay_step();
	dispose_all(s, &gone, idle_since);
}

void slab_trim(struct slab *s, uint64_t idle_since)
{
	struct list gone;

	list_init(&gone);
	lock_take(&s->lock, LOCK_SLAB);
	surplus_leave(s, 0, &gone);
	lock_give(&s->lock, LOCK_SLAB);
	delay_step();
	dispose_all(s, &gone, idle_since);
}

uint64_t slab_live(struct slab *s)
{
	uint64_t live;

	lock_take(&s->lock, LOCK_SLAB);
	live = s->nspans * s->nobj - s->nfree;
	lock_give(&s->lock, LOCK_SLAB);
	return live;
}

void slab_destroy(struct slab *s)
{
	uint64_t left = slab_live(s);

	s->reserve = 0;
	if (left)
		report_misuse(
			"pool %s: destroyed while %llu of its objects are out",
			s->name ? s->name : "?", (unsigned long long)left);
	slab_trim(s, heap_cycle());
}

void slab_for_each_span(struct slab *s, void (*fn)(struct span *, void *),
			void *arg)
{
	lock_take(&s->lock, LOCK_SLAB);
	for (uint8_t f = 0; f <= EMPTY; f++)
		list_for_each (l, fullness_list(s, f))
			fn(to_span(l), arg);
	lock_give(&s->lock, LOCK_SLAB);
}

/* Misuse. ----------------------------------------------------------------- */

/*
 * span, if it is a slab's and p lies within; the entry that a wild pointer
 * finds may be stale by the time it is looked at.
 */
static bool span_holds(const struct span *span, const void *p)
{
	return span && span->slab &&
	       (uintptr_t)p - span->start < (uintptr_t)span->npages
						    << PAGE_SHIFT_ &&
	       span_index(span, p) < span->nobj;
}

void slab_put_twice(const struct slab *s, const void *obj)
{
	const char *name = s->name ? s->name : "?";
	const struct span *span = span_of(obj);
	char where[REPORT_SITE_MAX];
	void *site = NULL;

	if (span_holds(span, obj) && span->site)
		site = span->site[span_index(span, obj)];
	if (site)
		report_misuse("pool %s: %p was put twice, first at %s", name,
			      obj, report_site(site, where));
	report_misuse("pool %s: %p was put twice", name, obj);
}

void slab_misuse(const struct slab *s, const void *obj)
{
	const char *name = s->name ? s->name : "?", *other;
	const struct span *span = span_of(obj);

	if (!span_holds(span, obj))
		report_misuse("pool %s: %p is not an object of this pool "
			      "(it is no pool object)",
			      name, obj);
	other = span->slab->name ? span->slab->name : "?";
	if (span->slab != s)
		report_misuse("pool %s: %p is not an object of this pool "
			      "(it belongs to pool %s)",
			      name, obj, other);
	if (span_object(span, obj) == UINT32_MAX)
		report_misuse("pool %s: %p points into an object, "
			      "not at its start",
			      name, obj);
	slab_put_twice(s, obj);
}
