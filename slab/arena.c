/* SPDX-License-Identifier: MIT */
/*
 * slab/arena.c - address space by the page: map, bits, commit and release
 *
 * There is a struct arena for each 64 MiB of address space that holds a page
 * of ours.  As a rule all of its pages are, for 64 MiB are reserved at a time;
 * where the system refuses that, or a span is larger, other mappings may share
 * it, and PAGE_OURS tells.
 *
 * Reserved address space costs nothing.  It becomes memory by a commit, which
 * is done in steps of 1 MiB, ahead of the need: one call for many spans, and
 * still next to nothing for a program that needs little.  A page stays
 * committed for as long as its reservation lasts.
 *
 * The system's page may be larger than ours.  Reservations start and end at a
 * multiple of it, so that rounding a commit outwards stays among our pages.
 *
 * Locks: the caller holds LOCK_HEAP; LOCK_META is taken inside it.
 *
 * Words
 *	part	what lies in one arena of a run of pages
 *	bit	of enum page_bit
 */
#include <errno.h>

#include "slab/arena.h"
#include "slab/meta.h"
#include "sys/os.h"
#include "sys/tool.h"

enum {
	COMMIT_STEP = (1 << 20) / PAGE_SIZE_, /* pages */
};

struct arena *arena_map[ARENA_MAP_LEN];

/* heap lock */
static struct arena *arenas;
static uint64_t nr_arenas;

struct arena *arena_first(void)
{
	return arenas;
}

uint64_t arena_count(void)
{
	return nr_arenas;
}

struct part {
	struct arena *arena;
	uint32_t from, to; /* pages of the arena */
};

/* The part at *p of what ends at end; moves *p behind it. */
static bool part_next(struct part *part, uintptr_t *p, uintptr_t end)
{
	uintptr_t border = ((*p >> ARENA_SHIFT) + 1) << ARENA_SHIFT;
	uintptr_t stop = end < border ? end : border;

	if (*p >= end)
		return false;
	part->arena = arena_of(*p);
	part->from = page_of(*p);
	part->to = part->from + (uint32_t)((stop - *p) >> PAGE_SHIFT_);
	*p = stop;
	return true;
}

static uintptr_t pages_end(uintptr_t start, size_t n)
{
	return start + ((uintptr_t)n << PAGE_SHIFT_);
}

void pages_set(uintptr_t start, size_t n, enum page_bit bit)
{
	uintptr_t end = pages_end(start, n);
	struct part part;

	while (part_next(&part, &start, end))
		for (uint32_t w = part.from / 64; w <= (part.to - 1) / 64; w++)
			part.arena->bits[bit][w] |=
				page_mask(w, part.from, part.to);
}

void pages_clear(uintptr_t start, size_t n, enum page_bit bit)
{
	uintptr_t end = pages_end(start, n);
	struct part part;

	while (part_next(&part, &start, end))
		for (uint32_t w = part.from / 64; w <= (part.to - 1) / 64; w++)
			part.arena->bits[bit][w] &=
				~page_mask(w, part.from, part.to);
}

size_t pages_count(uintptr_t start, size_t n, enum page_bit bit)
{
	uintptr_t end = pages_end(start, n);
	struct part part;
	size_t count = 0;

	while (part_next(&part, &start, end))
		for (uint32_t w = part.from / 64; w <= (part.to - 1) / 64; w++)
			count += (size_t)__builtin_popcountll(
				part.arena->bits[bit][w] &
				page_mask(w, part.from, part.to));
	return count;
}

bool pages_any(uintptr_t start, size_t n, enum page_bit bit)
{
	uintptr_t end = pages_end(start, n);
	struct part part;

	while (part_next(&part, &start, end))
		if (page_next(part.arena, part.from, part.to, bit, true) <
		    part.to)
			return true;
	return false;
}

uint32_t page_next(const struct arena *a, uint32_t from, uint32_t to,
		   enum page_bit bit, bool has)
{
	if (from >= to)
		return to;
	for (uint32_t w = from / 64; w <= (to - 1) / 64; w++) {
		uint64_t word = has ? a->bits[bit][w] : ~a->bits[bit][w];

		word &= page_mask(w, from, to);
		if (word)
			return w * 64 + (uint32_t)__builtin_ctzll(word);
	}
	return to;
}

uint32_t page_stretch(const struct arena *a, uint32_t page, enum page_bit bit)
{
	for (uint32_t w = page / 64 + 1; w-- > 0;) {
		uint64_t gaps = ~a->bits[bit][w] & page_mask(w, 0, page + 1);

		if (gaps)
			return w * 64 + 64 - (uint32_t)__builtin_clzll(gaps);
	}
	return 0;
}

/*
 * Release: pairs with the acquire in span_of(), so that whoever finds the
 * span by a wild pointer finds it whole.  Class bytes are relaxed: they are
 * looked at by who holds a block, and has it from who set them.
 */
void map_set(uintptr_t start, size_t n, struct span *s, uint8_t class_)
{
	uintptr_t end = pages_end(start, n);
	struct part part;

	while (part_next(&part, &start, end)) {
		for (uint32_t i = part.from; i < part.to; i++) {
			__atomic_store_n(&part.arena->span[i], s,
					 __ATOMIC_RELEASE);
			__atomic_store_n(&part.arena->class[i], class_,
					 __ATOMIC_RELAXED);
		}
	}
}

/* Release: as in map_set(). */
void map_set_page(uintptr_t p, struct span *s)
{
	__atomic_store_n(&arena_of(p)->span[page_of(p)], s, __ATOMIC_RELEASE);
}

struct span *map_neighbour(uintptr_t p, uintptr_t near)
{
	struct arena *a = arena_of(near);

	if ((p ^ near) >> ARENA_SHIFT || !page_has(a, page_of(p), PAGE_OURS))
		return NULL;
	return a->span[page_of(p)];
}

/* Makes the arena of p if there is none. */
static int arena_make(uintptr_t p)
{
	struct arena *a = arena_of(p);

	if (a)
		return 0;
	a = meta_alloc(sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->base = p >> ARENA_SHIFT << ARENA_SHIFT;
	a->next = arenas;
	arenas = a;
	nr_arenas++;
	/* Release: pairs with the acquire in arena_of(). */
	__atomic_store_n(&arena_map[p >> ARENA_SHIFT], a, __ATOMIC_RELEASE);
	return 0;
}

size_t arena_bytes(size_t n)
{
	size_t unit = os_page_size();

	return (((size_t)n << PAGE_SHIFT_) + unit - 1) & ~(unit - 1);
}

uintptr_t arena_reserve(size_t n, size_t align)
{
	uintptr_t start = (uintptr_t)os_reserve(arena_bytes(n), align);
	uintptr_t last = start + arena_bytes(n) - 1;

	if (!start)
		return 0;
	tool_root((void *)start, arena_bytes(n));
	if ((uint64_t)last >> ADDRESS_BITS)
		goto unmap;
	for (uintptr_t i = start >> ARENA_SHIFT; i <= last >> ARENA_SHIFT; i++)
		if (arena_make(i << ARENA_SHIFT))
			goto unmap;
	pages_set(start, n, PAGE_OURS);
	return start;

unmap:
	arena_unmap(start, n);
	return 0;
}

void arena_forget(uintptr_t start, size_t n)
{
	map_set(start, n, NULL, 0);
	for (enum page_bit bit = 0; bit < NR_PAGE_BITS; bit++)
		pages_clear(start, n, bit);
}

void arena_unmap(uintptr_t start, size_t n)
{
	tool_unroot((void *)start, arena_bytes(n));
	/* What was out of bounds in the heap may be anybody's now. */
	tool_unidle((void *)start, arena_bytes(n));
	os_unmap((void *)start, arena_bytes(n));
}

/* A root for leak checkers goes as a whole. */
void arena_unmap_tail(uintptr_t start, size_t n, size_t keep)
{
	tool_unroot((void *)start, arena_bytes(n));
	tool_root((void *)start, arena_bytes(keep));
	tool_unidle((void *)pages_end(start, keep), arena_bytes(n - keep));
	os_unmap((void *)pages_end(start, keep), arena_bytes(n - keep));
}

static int commit(struct arena *a, uint32_t from, uint32_t to)
{
	uintptr_t start = page_address(a, from);
	int err = os_commit((void *)start, (size_t)(to - from) << PAGE_SHIFT_);

	if (!err)
		pages_set(start, to - from, PAGE_COMMITTED);
	return err;
}

/*
 * Commits pages [from, need), of which none is, and where it can be had all
 * up to the end of the step that need lies in.
 */
static int commit_gap(struct arena *a, uint32_t from, uint32_t need)
{
	uint32_t step = (need + COMMIT_STEP - 1) & ~(uint32_t)(COMMIT_STEP - 1);
	uint32_t to, per = (uint32_t)(arena_bytes(1) >> PAGE_SHIFT_);

	need = (need + per - 1) & ~(per - 1);
	to = page_next(a, need, step, PAGE_OURS, false);
	to = page_next(a, need, to, PAGE_COMMITTED, true);
	if (to > need && !commit(a, from, to))
		return 0;
	return commit(a, from, need);
}

int arena_commit(uintptr_t start, size_t n)
{
	uintptr_t end = pages_end(start, n);
	struct part part;

	while (part_next(&part, &start, end)) {
		uint32_t i = page_next(part.arena, part.from, part.to,
				       PAGE_COMMITTED, false);

		while (i < part.to) {
			uint32_t need = page_next(part.arena, i, part.to,
						  PAGE_COMMITTED, true);
			int err = commit_gap(part.arena, i, need);

			if (err)
				return err;
			i = page_next(part.arena, need, part.to, PAGE_COMMITTED,
				      false);
		}
	}
	return 0;
}
