/* SPDX-License-Identifier: MIT */
/*
 * slab/heap.c - runs of pages: where spans come from and go to
 *
 * A span is cut from a free run (slab/runs.c): best fit, at an aligned page.
 * Where there is no run, an arena of 64 MiB is reserved; where the system
 * refuses that, half of it, and so on down to what is needed.  All of these
 * are aligned to their own size and so lie in one arena.
 *
 * Where it refuses, address space is scarce (RLIMIT_AS), and whoever comes last
 * must not take all of it: records for what is in the heap come first.
 *
 * A span of 64 MiB or more, and one for which no arena could be had though
 * its exact size can, is direct: it has its own reservation, may lie across
 * arenas, and is unmapped as soon as it is freed.  Such a block is rare and
 * costs faults in proportion anyway, and held it would be most of the heap.
 * Where there is no room for it, arenas without a span make room.
 *
 * Failure: whatever may fail comes before the first change, so that a NULL
 * leaves all as it was.  heap_free() needs no memory and cannot fail.
 * heap_alloc() leaves errno to its caller.
 *
 * Lock order: LOCK_SLAB, if the caller has it (it should not: a commit is a
 * system call), LOCK_HEAP, LOCK_META.
 *
 * Words
 *	run	a free span
 *	direct	see above
 *	head, tail	what is left of a run before and behind the span cut
 */
#include "slab/arena.h"
#include "slab/heap.h"
#include "slab/meta.h"
#include "slab/runs.h"
#include "sys/delay.h"
#include "sys/os.h"

enum {
	MIN_RESERVE = 65536 / PAGE_SIZE_, /* pages; a system page at least */
	RECORDS = 32, /* bytes of the heap for one of records, or more */
};

/* The first cycle is 1, so that there is a cycle before it: long idle. */
struct heap heap = { .cycle = 1 };

void heap_init(void)
{
	runs_init();
}

static uint64_t to_bytes(uint64_t pages)
{
	return pages << PAGE_SHIFT_;
}

/* A new run that n pages, aligned to n rounded up to a power of two, fit into. */
static struct span *heap_grow(size_t n)
{
	struct span *s = meta_alloc(sizeof(*s));
	size_t pages = ARENA_PAGES;
	uintptr_t start;

	if (!s)
		return NULL;
	while (!(start = arena_reserve(pages, to_bytes(pages)))) {
		if (pages == ARENA_PAGES)
			meta_stock(to_bytes(heap.sys) / RECORDS);
		pages /= 2;
		if (pages < n || pages < MIN_RESERVE)
			goto none;
	}
	s->start = start;
	s->npages = (uint32_t)pages;
	heap.sys += pages;
	heap.released += pages;
	return run_add(s);

none:
	meta_free(s, sizeof(*s));
	return NULL;
}

size_t span_gain(struct span *s, uintptr_t start, size_t n, uint8_t class_)
{
	size_t resident = pages_count(start, n, PAGE_RESIDENT);

	heap.inuse += n;
	heap.released -= n - resident;
	pages_set(start, n, PAGE_RESIDENT);
	map_set(start, n, s, class_);
	return resident;
}

/* s is n pages, committed, and in no bin: it becomes a span in use. */
static void span_use(struct span *s, enum span_kind kind, uint8_t class_,
		     bool *zero)
{
	bool resident;

	s->kind = kind;
	s->slab = NULL;
	s->nobj = 0;
	s->least = 0;
	resident = span_gain(s, s->start, s->npages, class_);
	if (zero)
		*zero = !resident;
}

/* What is left of a run: pages of it that never were in the map on their own. */
static void run_rest(struct span *rest, uintptr_t start, uint32_t n)
{
	rest->start = start;
	rest->npages = n;
	run_add(rest);
}

/*
 * Cuts n pages out of run, whose descriptor becomes theirs.  NULL, and the run
 * is as it was, if there is no memory for the rest's descriptors or the pages.
 */
static struct span *run_cut(struct span *run, size_t n, size_t align)
{
	uintptr_t unit = (uintptr_t)align << PAGE_SHIFT_, start = run->start;
	uintptr_t first = (start + unit - 1) & ~(unit - 1);
	uint32_t head = (uint32_t)((first - start) >> PAGE_SHIFT_);
	uint32_t tail = run->npages - head - (uint32_t)n;
	struct span *before = NULL, *behind = NULL;

	if (head && !(before = meta_alloc(sizeof(*before))))
		goto fail;
	if (tail && !(behind = meta_alloc(sizeof(*behind))))
		goto fail;
	if (arena_commit(first, n))
		goto fail;

	run_take(run);
	run->kind = SPAN_HELD; /* no neighbour for the rest */
	run->start = first;
	run->npages = (uint32_t)n;
	if (before)
		run_rest(before, start, head);
	if (behind)
		run_rest(behind, first + to_bytes(n), tail);
	return run;

fail:
	meta_free(before, sizeof(*before));
	meta_free(behind, sizeof(*behind));
	return NULL;
}

static struct span *arena_span(size_t n, size_t align, enum span_kind kind,
			       uint8_t class_, bool *zero)
{
	struct span *run, *s = NULL;

	delay_step();
	lock_take(&heap.lock, LOCK_HEAP);
	run = run_find(n, align);
	if (!run)
		run = heap_grow(n > align ? n : align);
	if (run)
		s = run_cut(run, n, align);
	if (s)
		span_use(s, kind, class_, zero);
	lock_give(&heap.lock, LOCK_HEAP);
	return s;
}

static struct span *direct_span(size_t n, size_t align, enum span_kind kind,
				uint8_t class_, bool *zero)
{
	size_t unit = align > MIN_RESERVE ? align : MIN_RESERVE;
	struct span *s = meta_alloc(sizeof(*s));

	if (!s)
		return NULL;
	/* No other span in a system page. */
	n = arena_bytes(n) >> PAGE_SHIFT_;
	if (n >= MOVE_UNIT && unit < MOVE_UNIT)
		unit = MOVE_UNIT;
	s->direct = true;
	s->npages = (uint32_t)n;
	lock_take(&heap.lock, LOCK_HEAP);
	s->start = arena_reserve(n, to_bytes(unit));
	if (!s->start)
		goto none;
	if (arena_commit(s->start, n))
		goto forget;
	heap.sys += n;
	heap.released += n;
	span_use(s, kind, class_, zero);
	lock_give(&heap.lock, LOCK_HEAP);
	return s;

forget:
	arena_forget(s->start, n);
	arena_unmap(s->start, n);
none:
	lock_give(&heap.lock, LOCK_HEAP);
	meta_free(s, sizeof(*s));
	return NULL;
}

/* Arenas that are one free run go, unless all that there are would not do. */
static bool arenas_shed(size_t want)
{
	struct span *run;
	bool some = false;

	lock_take(&heap.lock, LOCK_HEAP);
	if (want > heap.sys)
		goto out;
	while ((run = run_find(ARENA_PAGES, 1))) {
		size_t resident =
			pages_count(run->start, ARENA_PAGES, PAGE_RESIDENT);

		run_take(run);
		arena_forget(run->start, ARENA_PAGES);
		heap.sys -= ARENA_PAGES;
		heap.released -= ARENA_PAGES - resident;
		arena_unmap(run->start, ARENA_PAGES);
		meta_free(run, sizeof(*run));
		some = true;
	}
out:
	lock_give(&heap.lock, LOCK_HEAP);
	return some;
}

struct span *heap_alloc(size_t npages, size_t align, enum span_kind kind,
			uint8_t class_, bool *zero)
{
	struct span *s = NULL;

	if (npages > UINT32_MAX)
		return NULL;
	if (npages < ARENA_PAGES && align <= ARENA_PAGES)
		s = arena_span(npages, align, kind, class_, zero);
	if (!s && (npages > MIN_RESERVE || align > ARENA_PAGES))
		s = direct_span(npages, align, kind, class_, zero);
	if (!s && npages >= ARENA_PAGES && arenas_shed(npages))
		s = direct_span(npages, align, kind, class_, zero);
	return s;
}

struct span *heap_alloc_direct(size_t npages)
{
	if (npages > UINT32_MAX)
		return NULL;
	return direct_span(npages, 1, SPAN_LARGE, 0, NULL);
}

/* Forgotten first: once unmapped, the addresses may be anybody's. */
static void direct_free(struct span *s)
{
	lock_take(&heap.lock, LOCK_HEAP);
	arena_forget(s->start, s->npages);
	heap.sys -= s->npages;
	heap.inuse -= s->npages;
	lock_give(&heap.lock, LOCK_HEAP);
	delay_step();
	arena_unmap(s->start, s->npages);
	meta_free(s, sizeof(*s));
}

void span_free_locked(struct span *s, uint64_t idle_since)
{
	heap.inuse -= s->npages;
	map_set(s->start, s->npages, NULL, 0);
	delay_step();
	pages_clear(s->start, s->npages, PAGE_DUE);
	if (idle_since >= heap.cycle)
		pages_set(s->start, s->npages, PAGE_FRESH);
	else
		pages_clear(s->start, s->npages, PAGE_FRESH);
	run_add(s);
}

void heap_free(struct span *s, uint64_t idle_since)
{
	if (s->direct) {
		direct_free(s);
		return;
	}
	delay_step();
	lock_take(&heap.lock, LOCK_HEAP);
	span_free_locked(s, idle_since);
	lock_give(&heap.lock, LOCK_HEAP);
}

/* Racy reads of three figures that move apart for moments: it is a hint. */
bool heap_idles(uint64_t bytes)
{
	uint64_t inuse = __atomic_load_n(&heap.inuse, __ATOMIC_RELAXED);
	uint64_t sys = __atomic_load_n(&heap.sys, __ATOMIC_RELAXED);
	uint64_t gone = __atomic_load_n(&heap.released, __ATOMIC_RELAXED);
	int64_t idle = (int64_t)(sys - inuse - gone);

	return idle > (int64_t)(bytes >> PAGE_SHIFT_) &&
	       idle > (int64_t)(inuse / 8);
}

void heap_stats(struct heap_stats *st)
{
	lock_take(&heap.lock, LOCK_HEAP);
	*st = (struct heap_stats){
		.sys = to_bytes(heap.sys),
		.inuse = to_bytes(heap.inuse),
		.idle = to_bytes(heap.sys - heap.inuse),
		.released = to_bytes(heap.released),
		.free_runs = runs_count() + heap.held,
		.arenas = arena_count(),
	};
	lock_give(&heap.lock, LOCK_HEAP);
}

void heap_lock(void)
{
	lock_take(&heap.lock, LOCK_HEAP);
}

void heap_unlock(void)
{
	lock_give(&heap.lock, LOCK_HEAP);
}

void heap_lock_reinit(void)
{
	heap_unlock(); /* TSan wants it given by who took it */
	lock_init(&heap.lock);
}
