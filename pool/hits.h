/* SPDX-License-Identifier: MIT */
/*
 * pool/hits.h - memory by size where it hits
 *
 * What percu_alloc() and malloc() have in common, as do percu_free() and
 * free(): each is these few lines, inlined, and a slow path of its own.
 */
#ifndef PERCU_POOL_HITS_H
#define PERCU_POOL_HITS_H

#include "pool/pool.h"
#include "slab/span.h"

/* One register for all of it: compilers would rather have one a field. */
static inline struct class_hits *hits(void)
{
	struct class_hits *h = &class_hits;

	__asm__("" : "+r"(h));
	return h;
}

/* Acquire: pairs with hits_open().  0 until then. */
static inline unsigned int small_class(const struct class_hits *h, size_t size)
{
	return __atomic_load_n(&h->small[(size + 7) / 8], __ATOMIC_ACQUIRE);
}

static inline unsigned int large_class(const struct class_hits *h, size_t size)
{
	return __atomic_load_n(&h->large[(size + 127) / 128], __ATOMIC_ACQUIRE);
}

static inline bool hit_pop(struct class_hits *h, unsigned int c, void **ptr)
{
	return likely(c) && likely(percu_base_pop(&h->front, &h->base[c], ptr));
}

static inline bool hit_push(struct class_hits *h, unsigned int c, void *ptr)
{
	return likely(c) &&
	       likely(percu_base_push(&h->front, &h->base[c], ptr));
}

/* A block of up to 1 KiB; of up to 32 KiB. */
static inline bool hit_alloc(struct class_hits *h, size_t size, void **ptr)
{
	return hit_pop(h, small_class(h, size), ptr);
}

static inline bool hit_alloc_medium(size_t size, void **ptr)
{
	struct class_hits *h = hits();

	return likely(size <= CLASS_MAX) &&
	       hit_pop(h, large_class(h, size), ptr);
}

/* The class of the page that ptr lies in, plus one.  False: no page of percu's. */
static inline bool hit_class(const void *ptr, unsigned int *c)
{
	uintptr_t p = (uintptr_t)ptr;
	struct arena *a;

	if (unlikely(p >> ARENA_SHIFT >= ARENA_MAP_LEN))
		return false;
	a = __atomic_load_n(&arena_map[p >> ARENA_SHIFT], __ATOMIC_RELAXED);
	if (unlikely(!a))
		return false;
	/* A dependent load: whoever has the pointer got it after the entry. */
	*c = __atomic_load_n(&a->class[(p >> PAGE_SHIFT_) & (ARENA_PAGES - 1)],
			     __ATOMIC_RELAXED);
	return true;
}

static inline bool hit_free(void *ptr)
{
	struct class_hits *h = hits();
	unsigned int c;

	return hit_class(ptr, &c) &&
	       likely(percu_base_push(&h->front, &h->base[c], ptr));
}

#endif /* PERCU_POOL_HITS_H */
