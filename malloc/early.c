/* SPDX-License-Identifier: MIT */
/*
 * malloc/early.c - memory while percu cannot be entered
 *
 * malloc() is called where percu has to be left alone: by what the library
 * calls while it sets itself up (an interposed open() that looks for the real
 * one), by a signal handler that has interrupted a miss, by another library's
 * handlers around fork().  Few blocks, seldom, and small: they are cut from a
 * buffer that is always there and, when that is used up, from mappings.  What
 * is given back is lost.
 *
 * No lock, and nothing that is not allowed in a signal handler.
 *
 * Words: region (the buffer or a mapping), head (the word before a block: its
 * size).
 */
#include <stdint.h>

#include "malloc/malloc.h"
#include "sys/os.h"

enum {
	FIRST_BYTES = 32 << 10,
	REGION_BYTES = 256 << 10,
};

struct region {
	struct region *next; /* (c) once it is the newest */
	size_t size;         /* (c) of bytes, but for the first */
	size_t used;         /* (a) */
	char bytes[] __attribute__((aligned(16)));
};

/* All zero: it takes no memory before it is used. */
static union {
	struct region region;
	char room[FIRST_BYTES];
} first;

static struct region *newest = &first.region; /* (a) */

bool early_wanted(void)
{
	return pool_is_setting_up() || in_handler();
}

static size_t region_size(const struct region *r)
{
	return r == &first.region ? FIRST_BYTES - sizeof(*r) : r->size;
}

/* A block with room for its head, or NULL if the region is used up. */
static void *region_cut(struct region *r, size_t align, size_t size)
{
	size_t used = __atomic_load_n(&r->used, __ATOMIC_RELAXED), end;
	uintptr_t base = (uintptr_t)r->bytes, at;

	do {
		at = (base + used + sizeof(size_t) + align - 1) & ~(align - 1);
		end = at - base + size;
		if (end < size || end > region_size(r))
			return NULL;
	} while (!__atomic_compare_exchange_n(&r->used, &used, end, true,
					      __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	((size_t *)at)[-1] = size;
	return (void *)at;
}

/* A region that has room for it becomes the newest.  Two at once are two. */
static bool region_add(size_t align, size_t size)
{
	size_t need, bytes = REGION_BYTES;
	struct region *r;

	if (__builtin_add_overflow(size, align + 2 * PAGE_SIZE_, &need))
		return false;
	if (need > bytes)
		bytes = (need + os_page_size() - 1) & ~(os_page_size() - 1);
	r = os_map(bytes);
	if (!r)
		return false;
	r->size = bytes - sizeof(*r);
	r->next = __atomic_load_n(&newest, __ATOMIC_RELAXED);
	/* Release: pairs with the acquire of who walks the list. */
	while (!__atomic_compare_exchange_n(&newest, &r->next, r, true,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	return true;
}

void *early_alloc(size_t align, size_t size)
{
	void *ptr;

	size += !size; /* or it could lie at a region's very end, in none */
	do {
		ptr = region_cut(__atomic_load_n(&newest, __ATOMIC_ACQUIRE),
				 align, size);
	} while (!ptr && region_add(align, size));
	return ptr;
}

bool early_is(const void *ptr)
{
	struct region *r = __atomic_load_n(&newest, __ATOMIC_ACQUIRE);

	for (; r; r = r->next)
		if ((uintptr_t)ptr - (uintptr_t)r->bytes < region_size(r))
			return true;
	return false;
}

size_t early_size(const void *ptr)
{
	return ((const size_t *)ptr)[-1];
}
