/* SPDX-License-Identifier: MIT */
/*
 * slab/span.h - spans, and the map from a pointer to its span
 *
 * Words
 *	page	8 KiB, PAGE_SIZE_; percu's page and not the system's
 *	arena	64 MiB of address space, aligned to 64 MiB
 *	span	a run of pages: free (in the heap), cut into objects (in a
 *		slab), or one large block
 *
 * The map has two levels: arena_map[address >> 26] is the arena or NULL,
 * arena->span[page in arena] the span or NULL.  In a span that is in use
 * every page's entry is the span; in a free one the first and the last page's
 * entries are, which is all that coalescing needs, and those between are NULL.
 * Entries are written under the heap lock before the span is handed out, and
 * read without it: whoever holds a pointer into a span got it after that.  Any
 * other pointer finds NULL, a span that is in no slab, or a span of whose
 * objects it is none.  Arenas and descriptors are never unmapped, so that
 * looking is always allowed.
 */
#ifndef PERCU_SLAB_SPAN_H
#define PERCU_SLAB_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/hidden.h"
#include "sys/list.h"

enum {
	PAGE_SHIFT_ = 13,
	PAGE_SIZE_ = 1 << PAGE_SHIFT_,
	ARENA_SHIFT = 26,
	ARENA_PAGES = 1 << (ARENA_SHIFT - PAGE_SHIFT_),
#ifdef __x86_64__ /* programs have one half, unless they ask for more */
	ADDRESS_BITS = sizeof(void *) == 8 ? 47 : 32,
#else
	ADDRESS_BITS = sizeof(void *) == 8 ? 48 : 32,
#endif
	ARENA_MAP_LEN = 1 << (ADDRESS_BITS - ARENA_SHIFT),
};

enum span_kind {
	SPAN_FREE, /* in a bin of the heap */
	SPAN_HELD, /* free, but in no bin: its pages are being released */
	SPAN_SLAB,
	SPAN_LARGE,
	SPAN_LEAVING, /* it was large, and one thread is to give it back */
};

/*
 * One byte an object, outside of it.  While OBJ_LIVE is clear the slab's lock
 * guards the byte; while it is set, whoever holds the object (an owner, a
 * record, a magazine) does, and the slab's lock holder reads only OBJ_LIVE.
 */
enum obj_state {
	OBJ_LIVE = 1 << 0,    /* the slab has handed it out */
	OBJ_MADE = 1 << 1,    /* constructed */
	OBJ_IDLE = 1 << 2,    /* in a magazine off the CPU */
	OBJ_PUT = 1 << 3,     /* instrumented pools: was put before, ever */
	OBJ_SEEN = 1 << 4,    /* audit: met on its walk */
	OBJ_OUT = 1 << 5,     /* instrumented pools: a caller has it */
	OBJ_RETIRED = 1 << 6, /* instrumented pools: it waits for readers */
};

struct slab;

/* The first cache line is what a put reads, and hardly ever written. */
struct span {
	uintptr_t start;   /* (c) while in use */
	uint64_t magic;    /* SPAN_SLAB (c): offset * magic >> 40 = index */
	uint32_t size;     /* SPAN_SLAB (c): bytes from object to object */
	uint32_t nobj;     /* SPAN_SLAB (c) */
	struct slab *slab; /* SPAN_SLAB (c); NULL in every other span */
	uint8_t *state;    /* SPAN_SLAB (c): enum obj_state, nobj of them */
	void **site;       /* SPAN_SLAB in debug (c): who put it last */
	uint32_t npages;   /* (c) while in use, but for slab/heap_resize.c */
	uint8_t kind;      /* heap lock, (a) of a large one; enum span_kind */
	uint8_t direct;    /* (c): mapped on its own, unmapped when freed */
	uint32_t least;    /* SPAN_LARGE, its owner: pages it was to be cut to
			      when there was no memory for it; or 0 */

	struct list list __attribute__((aligned(64))); /* heap or slab lock */
	uint32_t nfree;   /* SPAN_SLAB, slab lock: objects without OBJ_LIVE */
	uint32_t nmade;   /* SPAN_SLAB, (a): objects with OBJ_MADE */
	uint32_t cursor;  /* SPAN_SLAB, slab lock: no free object below */
	uint8_t fullness; /* SPAN_SLAB, slab lock: which list it is on */
};

/*
 * What the heap knows of each page, one bit a page.
 *	COMMITTED implies OURS; RESIDENT implies COMMITTED; IDLE, FRESH and DUE
 *	mean something in free spans only.
 */
enum page_bit {
	PAGE_OURS,      /* percu's, and not another mapping's */
	PAGE_COMMITTED, /* readable and writable */
	PAGE_RESIDENT,  /* handed out since it was last released */
	PAGE_IDLE,      /* in a span of kind SPAN_FREE */
	PAGE_FRESH,     /* became idle since the last ageing cycle */
	PAGE_DUE,       /* to be released by the cycle under way */
	NR_PAGE_BITS
};

struct arena {
	struct span *span[ARENA_PAGES]; /* heap lock; read without */
	/*
	 * Class of the built-in pool that a page belongs to, plus one; 0 for
	 * all else.  Same rules as span[].
	 */
	uint8_t class[ARENA_PAGES];
	uint64_t bits[NR_PAGE_BITS][ARENA_PAGES / 64]; /* heap lock */
	uintptr_t base;     /* (c) address of page 0 */
	struct arena *next; /* (c) an older arena, or NULL */
};

extern struct arena *arena_map[ARENA_MAP_LEN] HIDDEN;

static inline struct arena *arena_of(uintptr_t p)
{
	if ((uint64_t)p >> ADDRESS_BITS)
		return NULL;
	return __atomic_load_n(&arena_map[p >> ARENA_SHIFT], __ATOMIC_ACQUIRE);
}

/* The span that holds p, or NULL.  Takes any value for p. */
static inline struct span *span_of(const void *p)
{
	struct arena *a = arena_of((uintptr_t)p);

	if (!a)
		return NULL;
	return __atomic_load_n(
		&a->span[((uintptr_t)p >> PAGE_SHIFT_) & (ARENA_PAGES - 1)],
		__ATOMIC_ACQUIRE);
}

/* span.magic for objects of size bytes; slab/slab.c has the proof. */
static inline uint64_t span_magic(uint32_t size)
{
	return (((uint64_t)1 << 40) + size - 1) / size;
}

/* Relaxed: it does not change under who owns what is in the span. */
static inline enum span_kind span_kind(const struct span *s)
{
	return (enum span_kind)__atomic_load_n(&s->kind, __ATOMIC_RELAXED);
}

/* Index of the object that holds p, which lies in s. */
static inline uint32_t span_index(const struct span *s, const void *p)
{
	return (uint32_t)(((uintptr_t)p - s->start) * s->magic >> 40);
}

/* UINT32_MAX unless p is the start of an object of the slab span s. */
static inline uint32_t span_object(const struct span *s, const void *p)
{
	uint32_t i = span_index(s, p);

	if (i >= s->nobj || s->start + (uintptr_t)i * s->size != (uintptr_t)p)
		return UINT32_MAX;
	return i;
}

#endif /* PERCU_SLAB_SPAN_H */
