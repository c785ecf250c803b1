/* SPDX-License-Identifier: MIT */
/*
 * slab/span_cut.h - how many pages a span of objects of one size has
 *
 * One rule for the size classes (scripts/mkclass.c) and for typed pools
 * (slab_init()): the smallest number of pages that
 *
 *	loses at most 1/16 of the span at its end, where no object fits, and
 *	holds enough objects to be worth a descriptor and a trip to the heap:
 *	8 up to 1 KiB, 4 up to 8 KiB, 2 up to 32 KiB, 1 above.
 *
 * Small is right otherwise: a span goes back to the heap when its last object
 * does, so a large one is kept by one straggler for longer.
 *
 * There always is such a number, and it is at most SPAN_MAX_PAGES.  Take
 * n objects with n * size >= 15 pages in the fewest pages that hold them:
 * what is lost is less than a page, and a page is at most 1/16 of 16 or more
 * pages; where they fit in 15, nothing is lost.  Up to 120 KiB the least such
 * n gives less than 240 KiB and enough objects; above, n = 1 does.
 */
#ifndef PERCU_SLAB_SPAN_CUT_H
#define PERCU_SLAB_SPAN_CUT_H

#include <stdint.h>

#include "slab/span.h"

enum {
	SPAN_MAX_PAGES = 33,	/* 256 KiB, and a redzone */
	OBJ_MIN_SIZE = 8,
	OBJ_MAX_SIZE = SPAN_MAX_PAGES << PAGE_SHIFT_,
	SPAN_TAIL_DIV = 16, /* tail <= span / SPAN_TAIL_DIV */
};

/* How many objects of size bytes a span has to hold. */
static inline uint32_t span_cut_objects(uint32_t size)
{
	if (size <= 1024)
		return 8;
	if (size <= 8192)
		return 4;
	return size <= 32768 ? 2 : 1;
}

/* Pages of a span of objects of size bytes, OBJ_MIN_SIZE .. OBJ_MAX_SIZE. */
static inline uint32_t span_cut_pages(uint32_t size)
{
	for (uint32_t pages = 1; pages < SPAN_MAX_PAGES; pages++) {
		uint32_t bytes = pages << PAGE_SHIFT_;

		if (bytes / size >= span_cut_objects(size) &&
		    bytes % size <= bytes / SPAN_TAIL_DIV)
			return pages;
	}
	return SPAN_MAX_PAGES;
}

#endif /* PERCU_SLAB_SPAN_CUT_H */
