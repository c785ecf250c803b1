/* SPDX-License-Identifier: MIT */
/*
 * slab/heap_check.c - recounts the heap
 *
 * Walks every page of every arena, and every bin, and compares what it finds
 * with the running figures.  The laws:
 *
 *  - a page that is not ours has no entry, no class and no other bit;
 *  - a span in use is the entry of each of its pages, all of them resident and
 *    of one class, and none of them idle;
 *  - a free span is the entry of its first and last page, the others have
 *    none; its pages are idle, or none is while it is held; no free neighbour
 *    in the arena;
 *  - resident pages are committed, and committed pages are ours;
 *  - sys, inuse, released and the number of free runs are what they are.
 *
 * Words
 *	tally	what the walk has counted so far
 */
#include <errno.h>

#include "slab/arena.h"
#include "slab/heap.h"
#include "slab/runs.h"
#include "sys/report.h"

struct tally {
	uint64_t sys, inuse, released, runs, held;
};

__attribute__((cold)) static int bad(const struct arena *a, uint32_t page,
				     const char *what)
{
	report_warn("heap: page %p: %s", (void *)page_address(a, page), what);
	return -EUCLEAN;
}

static int check_foreign(const struct arena *a, uint32_t page)
{
	if (a->span[page] || a->class[page])
		return bad(a, page, "is in the map and not ours");
	for (enum page_bit bit = 0; bit < NR_PAGE_BITS; bit++)
		if (page_has(a, page, bit))
			return bad(a, page, "has a bit and is not ours");
	return 0;
}

/* The pages of s in this arena are [page, end). */
static int check_used(const struct arena *a, uint32_t page, uint32_t end,
		      const struct span *s, struct tally *t)
{
	for (uint32_t i = page; i < end; i++) {
		if (a->span[i] != s || a->class[i] != a->class[page])
			return bad(a, i, "is in use and wrong in the map");
		if (!page_has(a, i, PAGE_OURS) ||
		    !page_has(a, i, PAGE_COMMITTED) ||
		    !page_has(a, i, PAGE_RESIDENT) || page_has(a, i, PAGE_IDLE))
			return bad(a, i, "is in use with the wrong bits");
	}
	t->inuse += end - page;
	return 0;
}

static int check_free(const struct arena *a, uint32_t page, uint32_t end,
		      const struct span *s, struct tally *t)
{
	bool idle = s->kind == SPAN_FREE;

	for (uint32_t i = page; i < end; i++) {
		if (a->span[i] != (i == page || i == end - 1 ? s : NULL) ||
		    a->class[i])
			return bad(a, i, "is free and wrong in the map");
		if (!page_has(a, i, PAGE_OURS) ||
		    page_has(a, i, PAGE_IDLE) != idle)
			return bad(a, i, "is free with the wrong bits");
		if (page_has(a, i, PAGE_RESIDENT) &&
		    !page_has(a, i, PAGE_COMMITTED))
			return bad(a, i, "is resident and not committed");
		t->released += !page_has(a, i, PAGE_RESIDENT);
	}
	if (idle && end < ARENA_PAGES && a->span[end] &&
	    a->span[end]->kind == SPAN_FREE)
		return bad(a, end, "begins a free run behind a free run");
	t->runs++;
	t->held += !idle;
	return 0;
}

/* One span, or one page that is not ours, at *page; moves *page behind it. */
static int check_span(const struct arena *a, uint32_t *page, struct tally *t)
{
	uintptr_t p = page_address(a, *page), last;
	const struct span *s = a->span[*page];
	uint32_t first = *page, end;

	if (!page_has(a, first, PAGE_OURS)) {
		++*page;
		return check_foreign(a, first);
	}
	if (!s)
		return bad(a, first, "is ours and in no span");
	last = s->start + ((uintptr_t)s->npages << PAGE_SHIFT_) - 1;
	if (p != s->start &&
	    !(s->direct && !first && s->start < p && p <= last))
		return bad(a, first, "is not in the span in the map");
	end = (last ^ p) >> ARENA_SHIFT ? ARENA_PAGES : page_of(last) + 1;
	*page = end;
	t->sys += end - first;
	if (s->kind == SPAN_FREE || s->kind == SPAN_HELD)
		return check_free(a, first, end, s, t);
	return check_used(a, first, end, s, t);
}

static int check_figure(const char *name, uint64_t counted, uint64_t kept)
{
	if (counted == kept)
		return 0;
	report_warn("heap: %s: %llu counted, %llu kept", name,
		    (unsigned long long)counted, (unsigned long long)kept);
	return -EUCLEAN;
}

static int check_figures(const struct tally *t)
{
	int64_t binned = runs_check();

	if (binned < 0 || check_figure("pages", t->sys, heap.sys) ||
	    check_figure("pages in use", t->inuse, heap.inuse) ||
	    check_figure("pages released", t->released, heap.released) ||
	    check_figure("held runs", t->held, heap.held) ||
	    check_figure("runs in bins", t->runs - t->held, (uint64_t)binned) ||
	    check_figure("free runs", t->runs - t->held, runs_count()))
		return -EUCLEAN;
	return 0;
}

int heap_check(void)
{
	struct tally t = { 0 };
	int err = 0;

	heap_lock();
	for (const struct arena *a = arena_first(); a && !err; a = a->next)
		for (uint32_t page = 0; page < ARENA_PAGES && !err;)
			err = check_span(a, &page, &t);
	if (!err)
		err = check_figures(&t);
	heap_unlock();
	return err;
}
