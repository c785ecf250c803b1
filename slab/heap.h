/* SPDX-License-Identifier: MIT */
/* slab/heap.h - runs of pages: where spans come from and go to */
#ifndef PERCU_SLAB_HEAP_H
#define PERCU_SLAB_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slab/span.h"

void heap_init(void); /* before anything else here; again does nothing */

/*
 * A span of npages (at least 1), aligned to align pages (a power of two), its pages readable and writable and entered in the page
 * map.  class_: see struct arena, 0 for none.  *zero (may be NULL) says whether
 * every byte is known to be zero.  NULL if there is no memory, and errno is
 * then the caller's to set.
 */
struct span *heap_alloc(size_t npages, size_t align, enum span_kind kind,
			uint8_t class_, bool *zero);

/*
 * Takes the span back, and coalesces; leaves errno alone.  idle_since: the
 * ageing cycle since which its pages were idle (heap_cycle() for "only now").
 * Pages freed with heap_cycle() survive the next heap_age() and not the one
 * after it; with less, the next one releases them.  A span of 64 MiB or more
 * goes back to the system at once, and then counts in no figure.
 */
void heap_free(struct span *s, uint64_t idle_since);

/* A span that is mapped on its own whatever its size, so that it can move. */
struct span *heap_alloc_direct(size_t npages);

/*
 * The span of a large block gets npages, and nothing is copied.  heap_cut():
 * less than it has, at least 1; a tail of a mapping of its own is unmapped.
 * Without memory for a descriptor it stays as it is, and s->least says that
 * it was to be smaller.  heap_extend(): more, where it is; false if what
 * lies behind it is not free.  heap_move(): more, elsewhere; NULL, and it is as
 * it was, if its mapping is not its own or the system will not.
 */
void heap_cut(struct span *s, size_t npages);
bool heap_extend(struct span *s, size_t npages);
struct span *heap_move(struct span *s, size_t npages);

/*
 * One ageing cycle: pages idle since before the last one go to the system.
 * Returns the bytes.  all: whatever is idle.  The caller holds LOCK_AGE, or is
 * the only one to fork.
 */
size_t heap_age(bool all);
/* What the next cycle would release, now and without being a cycle. */
size_t heap_release(void);
uint64_t heap_cycle(void); /* 1 and how many ageing cycles there were */

/* Do more than so many bytes, and than an eighth of what is in use, lie idle? */
bool heap_idles(uint64_t bytes);

struct heap_stats {
	uint64_t sys, inuse, idle, released; /* bytes; sys = inuse + idle */
	uint64_t free_runs, arenas;
};
void heap_stats(struct heap_stats *st); /* one consistent moment */
/*
 * Recounts all of it by walking every page; -EUCLEAN and a warning if it
 * differs from the running figures or the page map is inconsistent.
 */
int heap_check(void);

void heap_lock(void); /* fork */
void heap_unlock(void);
void heap_lock_reinit(void);

#endif /* PERCU_SLAB_HEAP_H */
