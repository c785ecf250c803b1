/* SPDX-License-Identifier: MIT */
/*
 * pool/block.h - blocks of memory by size: what alloc.c, large.c and malloc/
 * share
 *
 * fn: what the caller of the library called, for reports.  site: from where.
 */
#ifndef PERCU_POOL_BLOCK_H
#define PERCU_POOL_BLOCK_H

#include <string.h>

#include "pool/pool.h"
#include "slab/span.h"
#include "sys/conf.h"
#include "sys/tool.h"

enum {
	ALIGN_MAX = 32 << 20,
	DIRECT_ROUND = 65536, /* the largest system page there is */
};
#define SIZE_LIMIT ((size_t)1 << 46) /* no address space is larger */

/* What is asked for, and what tools want on top. */
static inline size_t padded(size_t size)
{
	return size + (tool_redzone() ? TOOL_REDZONE : 0);
}

/* The least class that a block of so many bytes, at most CLASS_MAX, may have. */
static inline unsigned int block_class(size_t size)
{
	return class_of(size > conf.least_block ? size : conf.least_block);
}

static inline size_t slot_of(const struct span *s)
{
	if (span_kind(s) == SPAN_SLAB)
		return s->size;
	return (size_t)s->npages << PAGE_SHIFT_;
}

static inline bool block_large(const struct span *s)
{
	return s && span_kind(s) == SPAN_LARGE;
}

static inline bool block_small(const struct span *s)
{
	return s && span_kind(s) == SPAN_SLAB && s->slab->class_;
}

/* alloc.c */
void *block_alloc(size_t size); /* a miss; NULL and errno */
void *block_alloc_aligned(size_t align, size_t size);
void block_free(const char *fn, void *ptr, void *site);
void *block_realloc(const char *fn, void *ptr, size_t size, void *site);
size_t block_usable(const char *fn, const void *ptr);
__attribute__((noreturn, cold)) void
block_misuse(const char *fn, const struct span *s, const void *ptr);

/* Tools only: a slot of that many bytes keeps the size asked for. */
void asked_write(void *ptr, size_t slot, size_t size);
size_t asked_read(const void *ptr, size_t slot);

/* large.c */
void *large_alloc(size_t align, size_t size, bool *zero);
void large_check(const char *fn, const struct span *s, const void *ptr);
void large_leave(const char *fn, struct span *s, void *ptr);
void large_free(const char *fn, struct span *s, void *ptr);
/*
 * The block gets another size, over CLASS_MAX, where that costs no copy: itself
 * or its new address.  NULL, and it is as it was, if it must be copied.
 */
void *large_resize(struct span *s, void *ptr, size_t size);
bool large_fits(const struct span *s, size_t size);

#endif /* PERCU_POOL_BLOCK_H */
