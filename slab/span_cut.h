/* SPDX-License-Identifier: MIT */
/*
 * slab/span_cut.h - how many pages a span of objects of one size has
 *
 * One rule for the size classes (scripts/mkclass.c) and for typed pools
 * (slab_init()).  Two wastes pull in opposite directions: what is lost at the
 * end of a span, where no object fits, shrinks with its length; what lies free
 * in spans that are partly used grows with it, and the more the fewer objects
 * a span has.  The number of pages is the one with the least
 *
 *	tail / span + pages / 100 * (1 + size / 4096)
 *
 * among those that lose at most 1/8 at the end and hold enough objects to be
 * worth a descriptor and a trip to the heap: 8 up to 1 KiB, 4 up to 4 KiB, 2
 * up to 8 KiB, 1 above.  The second term was fitted to what stays free in
 * spans after millions of random lives of log-normal sizes.
 *
 * There always is such a number, and it is at most SPAN_MAX_PAGES.  Take
 * n objects with n * size >= 7 pages in the fewest pages that hold them:
 * what is lost is less than a page, and a page is at most 1/8 of 8 or more
 * pages; where they fit in 7, nothing is lost.  Up to 56 KiB the least such n
 * gives less than 112 KiB and enough objects; above, n = 1 does.
 */
#ifndef PERCU_SLAB_SPAN_CUT_H
#define PERCU_SLAB_SPAN_CUT_H

#include <stdint.h>

#include "slab/span.h"

enum {
	SPAN_MAX_PAGES = 33, /* 256 KiB, and a redzone */
	OBJ_MIN_SIZE = 8,
	OBJ_MAX_SIZE = SPAN_MAX_PAGES << PAGE_SHIFT_,
	SPAN_TAIL_DIV = 8, /* tail <= span / SPAN_TAIL_DIV */
};

/* How many objects of size bytes a span has to hold. */
static inline uint32_t span_cut_objects(uint32_t size)
{
	if (size <= 1024)
		return 8;
	if (size <= 4096)
		return 4;
	return size <= 8192 ? 2 : 1;
}

/* The cost above, in millionths. */
static inline uint64_t span_cut_cost(uint32_t size, uint32_t pages)
{
	uint64_t bytes = (uint64_t)pages << PAGE_SHIFT_;

	return bytes % size * 1000000 / bytes +
	       (uint64_t)pages * 10000 * (4096 + size) / 4096;
}

/* Pages of a span of objects of size bytes, OBJ_MIN_SIZE .. OBJ_MAX_SIZE. */
static inline uint32_t span_cut_pages(uint32_t size)
{
	uint32_t best = 0;

	for (uint32_t pages = 1; pages <= SPAN_MAX_PAGES; pages++) {
		uint32_t bytes = pages << PAGE_SHIFT_;

		if (bytes / size < span_cut_objects(size) ||
		    bytes % size > bytes / SPAN_TAIL_DIV)
			continue;
		if (!best ||
		    span_cut_cost(size, pages) < span_cut_cost(size, best))
			best = pages;
	}
	return best ? best : SPAN_MAX_PAGES;
}

#endif /* PERCU_SLAB_SPAN_CUT_H */
