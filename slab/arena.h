/* SPDX-License-Identifier: MIT */
/*
 * slab/arena.h - address space by the page: map, bits, commit and release
 *
 * The heap's view of its arenas.  All of it is for slab/heap*.c and is called
 * with the heap lock held.  Pages are named by their address, or by their
 * index in an arena.
 */
#ifndef PERCU_SLAB_ARENA_H
#define PERCU_SLAB_ARENA_H

#include "slab/span.h"

/* Every arena that there is, the newest first; none ever goes away. */
struct arena *arena_first(void);
uint64_t arena_count(void);

static inline uint32_t page_of(uintptr_t p)
{
	return (uint32_t)(p >> PAGE_SHIFT_) & (ARENA_PAGES - 1);
}

static inline uintptr_t page_address(const struct arena *a, uint32_t page)
{
	return a->base + ((uintptr_t)page << PAGE_SHIFT_);
}

static inline bool page_has(const struct arena *a, uint32_t page,
			    enum page_bit bit)
{
	return a->bits[bit][page / 64] >> (page % 64) & 1;
}

/* The bits of word w that lie in pages [from, to). */
static inline uint64_t page_mask(uint32_t w, uint32_t from, uint32_t to)
{
	uint64_t mask = UINT64_MAX;

	if (w == from / 64)
		mask &= UINT64_MAX << (from % 64);
	if (w == (to - 1) / 64)
		mask &= UINT64_MAX >> (63 - (to - 1) % 64);
	return mask;
}

/* A run of n pages, in several arenas perhaps. */
void pages_set(uintptr_t start, size_t n, enum page_bit bit);
void pages_clear(uintptr_t start, size_t n, enum page_bit bit);
size_t pages_count(uintptr_t start, size_t n, enum page_bit bit);
bool pages_any(uintptr_t start, size_t n, enum page_bit bit);

/*
 * The first page in [from, to) of an arena that has the bit, or has it not;
 * to if there is none.
 */
uint32_t page_next(const struct arena *a, uint32_t from, uint32_t to,
		   enum page_bit bit, bool has);
/* The first page of the stretch of pages with the bit that ends at page. */
uint32_t page_stretch(const struct arena *a, uint32_t page, enum page_bit bit);

/* All n entries of the map, and the class of each page. */
void map_set(uintptr_t start, size_t n, struct span *s, uint8_t class_);
/* One entry of the map. */
void map_set_page(uintptr_t p, struct span *s);
/* The entry for p if p is a page of ours in the arena of near, else NULL. */
struct span *map_neighbour(uintptr_t p, uintptr_t near);

/*
 * Address space of n pages, aligned to align bytes, in the map as ours and
 * not committed; 0 if there is none.
 */
uintptr_t arena_reserve(size_t n, size_t align);
/* Gives back what arena_reserve() gave, whatever its bits say by now. */
void arena_forget(uintptr_t start, size_t n);
void arena_unmap(uintptr_t start, size_t n); /* no lock needed */
/* Of n pages all but the first keep, a multiple of the system's page. */
void arena_unmap_tail(uintptr_t start, size_t n, size_t keep);

/* n pages of one arena become readable and writable: 0 or -errno. */
int arena_commit(uintptr_t start, size_t n);
/* Bytes that n pages take, with the system's rounding. */
size_t arena_bytes(size_t n);

#endif /* PERCU_SLAB_ARENA_H */
