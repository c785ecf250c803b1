/* SPDX-License-Identifier: MIT */
/*
 * slab/heap_age.c - idle pages go back to the system
 *
 * Age is kept by the page and not by the run, so that a run in which small
 * spans come and go all day does not keep its quiet part young: a page that
 * becomes idle is FRESH; a cycle makes those that were not DUE and takes FRESH
 * from the others.  So a page freed with idle_since = heap_cycle() survives
 * the next cycle and not the one after, and one freed with an earlier
 * idle_since is released by the next.
 *
 * Marking is one pass over the bits of every arena, under one lock.  After
 * that the lock is dropped for each system call: a run with pages that are due
 * is held, out of its bin, where no one can take it or merge with it, and is
 * added again when its pages are released.
 *
 * Whoever needs memory meanwhile may have to grow the heap for want of that
 * run; address space is what it costs.
 *
 * A release that fails leaves the pages resident; the next cycle tries again.
 *
 * Lock order: LOCK_AGE, if the caller has it, LOCK_HEAP, LOCK_META.  Without
 * LOCK_AGE two cycles at once are two cycles, and nothing worse.  A fork while
 * another thread is in here, without LOCK_AGE, leaves the child a run that is
 * held for good.
 */
#include "slab/arena.h"
#include "slab/heap.h"
#include "slab/runs.h"
#include "sys/os.h"

uint64_t heap_cycle(void)
{
	/* Relaxed: a caller that races with a cycle is of either side of it. */
	return __atomic_load_n(&heap.cycle, __ATOMIC_RELAXED);
}

static void arena_mark(struct arena *a, bool all)
{
	for (uint32_t w = 0; w < ARENA_PAGES / 64; w++) {
		uint64_t idle = a->bits[PAGE_IDLE][w];
		uint64_t old = idle & a->bits[PAGE_RESIDENT][w];

		if (!all)
			old &= ~a->bits[PAGE_FRESH][w];
		a->bits[PAGE_DUE][w] |= old;
	}
}

/* What is fresh now is not at the next cycle. */
static void arena_ripen(struct arena *a)
{
	for (uint32_t w = 0; w < ARENA_PAGES / 64; w++)
		a->bits[PAGE_FRESH][w] &= ~a->bits[PAGE_IDLE][w];
}

/* The first page from i on that is due and in a bin. */
static uint32_t due_next(const struct arena *a, uint32_t i)
{
	if (i >= ARENA_PAGES)
		return ARENA_PAGES;
	for (uint32_t w = i / 64; w < ARENA_PAGES / 64; w++) {
		uint64_t due = a->bits[PAGE_DUE][w] & a->bits[PAGE_IDLE][w] &
			       page_mask(w, i, ARENA_PAGES);

		if (due)
			return w * 64 + (uint32_t)__builtin_ctzll(due);
	}
	return ARENA_PAGES;
}

/*
 * Where the system's page is larger than ours: moves the ends of [*from, *to)
 * outwards to its borders, over pages of the run [lo, hi) that hold nothing,
 * or else inwards.
 */
static void round_release(const struct arena *a, uint32_t *from, uint32_t *to,
			  uint32_t lo, uint32_t hi)
{
	uint32_t per = (uint32_t)(arena_bytes(1) >> PAGE_SHIFT_);
	uint32_t out;

	out = *from & ~(per - 1);
	if (out < lo || page_next(a, out, *from, PAGE_RESIDENT, true) < *from)
		out = (*from + per - 1) & ~(per - 1);
	*from = out;
	out = (*to + per - 1) & ~(per - 1);
	if (out > hi || page_next(a, *to, out, PAGE_RESIDENT, true) < out)
		out = *to & ~(per - 1);
	*to = out;
}

/* Releases what is due of a held run; drops the lock.  Returns pages. */
static size_t run_release(struct span *run)
{
	struct arena *a = arena_of(run->start);
	uint32_t lo = page_of(run->start), hi = lo + run->npages;
	size_t total = 0;

	for (uint32_t i = lo; (i = page_next(a, i, hi, PAGE_DUE, true)) < hi;) {
		uint32_t from = i, to = page_next(a, i, hi, PAGE_DUE, false);
		size_t got;
		int err;

		pages_clear(page_address(a, from), to - from, PAGE_DUE);
		i = to;
		round_release(a, &from, &to, lo, hi);
		if (from >= to)
			continue;
		lock_give(&heap.lock, LOCK_HEAP);
		err = os_release((void *)page_address(a, from),
				 (size_t)(to - from) << PAGE_SHIFT_);
		lock_take(&heap.lock, LOCK_HEAP);
		if (err)
			continue;
		got = pages_count(page_address(a, from), to - from,
				  PAGE_RESIDENT);
		pages_clear(page_address(a, from), to - from, PAGE_RESIDENT);
		heap.released += got;
		total += got;
	}
	return total;
}

static size_t arena_age(struct arena *a)
{
	size_t pages = 0;

	lock_take(&heap.lock, LOCK_HEAP);
	for (uint32_t i = 0; (i = due_next(a, i)) < ARENA_PAGES;) {
		/* Free runs are never neighbours: this one starts its stretch. */
		struct span *run = a->span[page_stretch(a, i, PAGE_IDLE)];

		i = page_of(run->start) + run->npages;
		run_take(run);
		run->kind = SPAN_HELD;
		heap.held++;
		pages += run_release(run);
		heap.held--;
		run_add(run);
	}
	lock_give(&heap.lock, LOCK_HEAP);
	return pages;
}

/* Releases what is due; the arenas that there were when it was marked. */
static size_t release_due(struct arena *newest)
{
	size_t pages = 0;

	for (struct arena *a = newest; a; a = a->next)
		pages += arena_age(a);
	return pages << PAGE_SHIFT_;
}

size_t heap_age(bool all)
{
	struct arena *newest;

	lock_take(&heap.lock, LOCK_HEAP);
	/* Relaxed: see heap_cycle(). */
	__atomic_store_n(&heap.cycle, heap.cycle + 1, __ATOMIC_RELAXED);
	newest = arena_first();
	for (struct arena *a = newest; a; a = a->next) {
		arena_mark(a, all);
		arena_ripen(a);
	}
	lock_give(&heap.lock, LOCK_HEAP);
	return release_due(newest);
}

size_t heap_release(void)
{
	struct arena *newest;

	lock_take(&heap.lock, LOCK_HEAP);
	newest = arena_first();
	for (struct arena *a = newest; a; a = a->next)
		arena_mark(a, false);
	lock_give(&heap.lock, LOCK_HEAP);
	return release_due(newest);
}
