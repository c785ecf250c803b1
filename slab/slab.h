/* SPDX-License-Identifier: MIT */
/* slab/slab.h - a pool's spans and the objects in them */
#ifndef PERCU_SLAB_SLAB_H
#define PERCU_SLAB_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slab/span.h"
#include "sys/list.h"
#include "sys/lock.h"

enum { SLAB_NR_FULLNESS = 4 };	/* partial spans by how full they are */

struct slab {
	/* (c) constant after slab_init() */
	uint32_t size;			/* bytes from object to object */
	uint32_t span_pages;
	uint32_t nobj;			/* objects a span */
	uint32_t align;
	uint8_t class_;			/* class + 1 of a built-in pool, else 0 */
	bool debug;			/* spans remember put sites */
	void *owner;			/* the pool, for reports */
	void (*dtor)(void *obj, void *arg);
	void *arg;

	struct lock lock;
	/* under lock */
	struct list partial[SLAB_NR_FULLNESS];	/* fullest first */
	struct list full;
	struct list empty;		/* all free; at most one, but see reserve */
	uint64_t nspans, nfree;		/* nfree: objects without OBJ_LIVE */
	uint64_t reserve;		/* made objects that must stay */
	/* (a) */
	uint64_t created, destroyed;	/* objects made and unmade, ever */
};

/* 0, or -EINVAL where size and align cannot be cut from a span. */
int slab_init(struct slab *s, size_t size, size_t align, uint8_t class_,
	      void *owner);

/*
 * Up to n objects, OBJ_LIVE now set; fewer only when there is no memory.
 * Those without OBJ_MADE are the caller's to construct (slab_made()) or to
 * give back; in a slab without ctor the caller marks them too.
 */
size_t slab_alloc(struct slab *s, void **objs, size_t n);

/* The object is constructed: sets OBJ_MADE and counts it. */
void slab_made(struct slab *s, void *obj);

/*
 * Takes objects back; misuse if one is not a live object of this slab.  Spans
 * that become empty, but one, go back to the heap; their made objects are
 * destroyed first, outside the lock.  idle_since: see heap_free().
 */
void slab_free(struct slab *s, void *const *objs, size_t n, uint64_t idle_since);

/* Every empty span goes back to the heap, but for the reserve. */
void slab_trim(struct slab *s, uint64_t idle_since);

/* Gives up all spans, which must be empty. */
void slab_destroy(struct slab *s);

/* Calls fn for each span; the lock is held. */
void slab_for_each_span(struct slab *s, void (*fn)(struct span *, void *),
			void *arg);

#endif /* PERCU_SLAB_SLAB_H */
