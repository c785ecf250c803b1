/* SPDX-License-Identifier: MIT */
/*
 * slab/runs.h - the heap's free runs, and what its files share
 *
 * For slab/heap*.c and slab/runs.c alone; the heap lock is held throughout.
 */
#ifndef PERCU_SLAB_RUNS_H
#define PERCU_SLAB_RUNS_H

#include "slab/span.h"
#include "sys/lock.h"

/*
 * Pages.  sys = in use + idle, and released counts the idle pages that are
 * not resident: those that hold no memory.
 */
struct heap {
	struct lock lock;
	/* under lock */
	uint64_t cycle; /* 1 and the ageing cycles so far */
	uint64_t sys, inuse, released;
	uint64_t held;    /* runs of kind SPAN_HELD */
	uint64_t stocked; /* sys when room for records was reserved last */
};
extern struct heap heap;

/*
 * A mapping that may move begins, if it is as long, where the system can move
 * it by the table of pages and need not by the page.
 */
enum {
	MOVE_UNIT = (2 << 20) / PAGE_SIZE_
};

/*
 * n pages from start, committed and in no bin, are the span's from now on.
 * Returns how many of them may hold anything.
 */
size_t span_gain(struct span *s, uintptr_t start, size_t n, uint8_t class_);

/* The pages of a span in use are free; see heap_free(). */
void span_free_locked(struct span *s, uint64_t idle_since);

void runs_init(void);

/*
 * A free run that n pages, at most ARENA_PAGES, at a multiple of align pages
 * fit into; it stays where it is.  NULL if none was found.
 */
struct span *run_find(size_t n, size_t align);

/*
 * s, whose inner entries in the map are NULL, becomes free: merges with its
 * neighbours and is entered in the map and in a bin.  Returns s.
 */
struct span *run_add(struct span *s);

/* Takes a free run out of its bin, to be used, cut or held. */
void run_take(struct span *s);

/* The free run that begins where the span in use ends, or NULL. */
struct span *run_behind(const struct span *s);
/* It loses its first n pages, perhaps all; what is left is free as before. */
void run_behead(struct span *run, size_t n);

/*
 * It becomes its n pages from first, in no bin.  What is left of it before and
 * behind these is free under the two descriptors: NULL where nothing is left.
 */
void run_split(struct span *run, uintptr_t first, size_t n, struct span *before,
	       struct span *behind);

uint64_t runs_count(void);
/* Walks the bins: how many runs there are, or -EUCLEAN and a warning. */
int64_t runs_check(void);

#endif /* PERCU_SLAB_RUNS_H */
