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

enum {
	SLAB_NR_FULLNESS = 4
}; /* partial spans by how full they are */

struct slab {
	/* (c) constant after slab_init() */
	uint32_t size; /* bytes from object to object */
	uint32_t span_pages;
	uint32_t nobj; /* objects a span */
	uint32_t align;
	uint8_t class_; /* class + 1 of a built-in pool, else 0 */
	void *owner;    /* the pool, for reports */
	/* (c) set between slab_init() and the first slab_alloc() */
	const char *name; /* of the pool, for reports */
	bool debug;       /* spans remember put sites */
	void (*dtor)(void *obj, void *arg);
	void *arg;

	struct lock lock;
	/* under lock */
	struct list partial[SLAB_NR_FULLNESS]; /* fullest first */
	struct list full;
	struct list empty; /* all free; at most one, but see reserve */
	uint64_t nspans, nempty;
	uint64_t nfree;   /* objects without OBJ_LIVE */
	uint64_t reserve; /* made objects that must stay */
	/* (a) written: created by slab_made(), destroyed under lock */
	uint64_t created, destroyed; /* objects made and unmade, ever */
};

/*
 * Clears all of it first.  size: 1 .. OBJ_MAX_SIZE; align: a power of two up to
 * 4096, or 0 for the largest one up to 16 that divides size.  0, or -EINVAL.
 */
int slab_init(struct slab *s, size_t size, size_t align, uint8_t class_,
	      void *owner);

/*
 * Up to n objects, OBJ_LIVE now set; fewer only when there is no memory.
 * Those without OBJ_MADE are the caller's to construct (slab_made()) or to
 * give back; in a slab without ctor the caller marks them too.
 */
size_t slab_alloc(struct slab *s, void **objs, size_t n);

/* The objects are constructed: sets OBJ_MADE and counts each, once. */
void slab_made(struct slab *s, void *const *objs, size_t n);

/*
 * Takes objects back; misuse if one is not a live object of this slab.  Spans
 * that become empty, but one, go back to the heap; their made objects are
 * destroyed first, outside the lock (and counted before that, under it, so
 * that the reserve holds against another thread's slab_free()).  idle_since:
 * see heap_free().
 */
void slab_free(struct slab *s, void *const *objs, size_t n,
	       uint64_t idle_since);

/* Every empty span goes back to the heap, but for the reserve. */
void slab_trim(struct slab *s, uint64_t idle_since);

/* Objects that it has handed out. */
uint64_t slab_live(struct slab *s);

/* Gives up all spans; misuse if one is not empty.  The reserve is void. */
void slab_destroy(struct slab *s);

/* Calls fn for each span; the lock is held. */
void slab_for_each_span(struct slab *s, void (*fn)(struct span *, void *),
			void *arg);

/* obj, an object of s, was put twice: says so, and in debug where first. */
__attribute__((noreturn, cold)) void slab_put_twice(const struct slab *s,
						    const void *obj);

/* Says what is wrong with obj, which is not a live object of s, and aborts. */
__attribute__((noreturn, cold)) void slab_misuse(const struct slab *s,
						 const void *obj);

/*
 * The span of obj and its index in it, if obj is a live object of s; aborts
 * if it is not.  For one who owns the object, or has the lock of s.
 */
static inline struct span *slab_find(const struct slab *s, const void *obj,
				     uint32_t *index)
{
	struct span *span = span_of(obj);

	if (__builtin_expect(!span || span->slab != s, 0))
		slab_misuse(s, obj);
	*index = span_object(span, obj);
	/* Relaxed: OBJ_LIVE does not change under who owns the object. */
	if (__builtin_expect(*index == UINT32_MAX ||
				     !(__atomic_load_n(&span->state[*index],
						       __ATOMIC_RELAXED) &
				       OBJ_LIVE),
			     0))
		slab_misuse(s, obj);
	return span;
}

/* As slab_find(): the index. */
static inline uint32_t slab_check(const struct slab *s, const void *obj)
{
	uint32_t index;

	slab_find(s, obj, &index);
	return index;
}

/* As slab_find(): the object's byte of enum obj_state. */
static inline uint8_t *slab_state(const struct slab *s, const void *obj)
{
	uint32_t index;
	struct span *span = slab_find(s, obj, &index);

	return &span->state[index];
}

/*
 * The span of the object looked at before, in a form that stays in registers.
 * All zero at first.
 */
struct slab_near {
	uintptr_t start, limit; /* limit: bytes of objects */
	uint64_t magic, size;
	uint8_t *state;
	struct span *span;
};

static inline void slab_near_set(struct slab_near *near, struct span *span)
{
	near->start = span->start;
	near->limit = (uintptr_t)span->nobj * span->size;
	near->magic = span->magic;
	near->size = span->size;
	near->state = span->state;
	near->span = span;
}

/*
 * As slab_state(), for objects many of which lie in one span: that of the one
 * before is looked at first, which spares the map.  *state: what it says.
 */
static inline __attribute__((always_inline)) uint8_t *
slab_state_near(const struct slab *s, struct slab_near *near, const void *obj,
		uint8_t *state)
{
	uintptr_t offset = (uintptr_t)obj - near->start;
	uint64_t i = offset * near->magic >> 40;
	uint32_t index;

	if (__builtin_expect(offset < near->limit && i * near->size == offset,
			     1)) {
		/* Relaxed: as in slab_find(). */
		*state = __atomic_load_n(&near->state[i], __ATOMIC_RELAXED);
		if (__builtin_expect(*state & OBJ_LIVE, 1))
			return &near->state[i];
	}
	slab_near_set(near, slab_find(s, obj, &index));
	*state = __atomic_load_n(&near->state[index], __ATOMIC_RELAXED);
	return &near->state[index];
}

/* The same for an object that was checked before. */
static inline __attribute__((always_inline)) uint8_t *
slab_state_known(struct slab_near *near, const void *obj)
{
	uintptr_t offset = (uintptr_t)obj - near->start;

	if (__builtin_expect(offset >= near->limit, 0)) {
		slab_near_set(near, span_of(obj));
		offset = (uintptr_t)obj - near->start;
	}
	return &near->state[offset * near->magic >> 40];
}

#endif /* PERCU_SLAB_SLAB_H */
