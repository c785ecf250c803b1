/* SPDX-License-Identifier: MIT */
/*
 * malloc/malloc.h - what the files of this folder share
 *
 * libpercu-malloc.so is the C library's malloc and C++'s new, made of percu.
 *
 *	malloc.c	malloc, calloc, realloc, free
 *	align.c		the aligned ones
 *	new.c		C++'s operator new
 *	operators.c	the forms of new and delete that are made of others
 *	early.c		memory while percu cannot be entered
 *	decay.c		idle memory goes back, by the clock and by its size
 *	vfork.c		a child that has its parent's memory
 *	deepbind.c	libraries that would get the C library's malloc
 *	info.c		mallinfo, malloc_trim and their like
 *	mallctl.c	what programs ask that were written for jemalloc
 *	theirs.c	another malloc comes first, and has fewer functions
 *	start.c		defaults, other allocators, statistics at the end
 *	alone.c		no liburcu here
 *
 * Each exported name that another one calls has a hidden name of ours: the
 * exported one may be anybody's.
 */
#ifndef PERCU_MALLOC_MALLOC_H
#define PERCU_MALLOC_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

#include "malloc/theirs.h"
#include "pool/block.h"
#include "pool/hits.h"

#define EXPORT __attribute__((visibility("default")))
/* gcc wants a second name to promise what the first does. */
#if defined(__has_attribute) && __has_attribute(copy)
#define LIKE(fn) copy(fn)
#else
#define LIKE(fn)
#endif
/* An exported name for a function of the same file. */
#define ALIAS(fn) __attribute__((visibility("default"), alias(#fn), LIKE(fn)))

enum {
	MALLOC_ALIGN = 16, /* of every block, as glibc's has it */
};

/* malloc.c: misses; NULL with ENOMEM */
void *block_get(size_t size);
void *block_get_aligned(size_t align, size_t size);
void *get_medium(size_t size);  /* up to 32 KiB may hit */
void *ours_malloc(size_t size); /* malloc(), whoever's that is */
void ours_free(void *ptr);

/* What malloc() and operator new do. */
static inline __attribute__((always_inline)) void *malloc_get(size_t size)
{
	struct class_hits *h = hits();
	void *ptr;

	if (unlikely(size > CLASS_SMALL_MAX))
		return get_medium(size);
	if (hit_alloc(h, size, &ptr))
		return ptr;
	return block_get(size);
}

/* early.c */
bool early_wanted(void); /* percu cannot be entered by this thread now */
void *early_alloc(size_t align, size_t size);
bool early_is(const void *ptr);
size_t early_size(const void *ptr);

/* decay.c: no lock of percu's is held */
void decay_tick(void);
size_t decay_now(void); /* all that is idle; bytes */

/* info.c */
int malloc_stats_write(int fd);

#endif /* PERCU_MALLOC_MALLOC_H */
