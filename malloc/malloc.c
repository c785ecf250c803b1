/* SPDX-License-Identifier: MIT */
/*
 * malloc/malloc.c - malloc, calloc, realloc, free
 *
 * A hit is percu_alloc() or percu_free() under another name: the same inlined
 * lines (pool/hits.h).  What malloc promises beyond them costs nothing there:
 *
 *  - every block is aligned to 16 bytes: the table of classes has none below;
 *  - sizes over PTRDIFF_MAX are ENOMEM, as are calloc's that overflow: the
 *    largest that percu has is far below, and all such sizes miss;
 *  - free() leaves errno alone: only a miss could change it.
 *
 * A miss passes decay_tick(), and where percu cannot be entered it is served by
 * early.c: while the library sets itself up and something that this calls
 * allocates, in a signal handler that has interrupted percu, and in the
 * handlers of others around fork().
 *
 * Sizes that C23's free_sized() and C++'s sized delete bring are not used:
 * programs get them wrong and never notice, and the look-up that they would
 * save costs nothing that can be measured.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "malloc/malloc.h"

__attribute__((noinline, cold)) void *block_get(size_t size)
{
	void *ptr;

	if (unlikely(early_wanted())) {
		ptr = early_alloc(MALLOC_ALIGN, size);
	} else {
		decay_tick();
		ptr = block_alloc(size);
	}
	if (unlikely(!ptr))
		errno = ENOMEM;
	return ptr;
}

/* align: a power of two. */
__attribute__((noinline)) void *block_get_aligned(size_t align, size_t size)
{
	void *ptr;

	if (align <= MALLOC_ALIGN)
		return ours_malloc(size);
	if (unlikely(early_wanted())) {
		ptr = early_alloc(align, size);
	} else {
		decay_tick();
		ptr = block_alloc_aligned(align, size);
	}
	if (unlikely(!ptr))
		errno = ENOMEM;
	return ptr;
}

/* Over 1 KiB: another table.  Below, operator new has looked already. */
__attribute__((noinline)) void *get_medium(size_t size)
{
	void *ptr;

	if (size > CLASS_SMALL_MAX && hit_alloc_medium(size, &ptr))
		return ptr;
	return block_get(size);
}

EXPORT __attribute__((aligned(CACHE_LINE))) void *malloc(size_t size)
{
	return malloc_get(size);
}

static __attribute__((noinline, cold)) void free_slow(void *ptr)
{
	int err = errno;

	if (!ptr || early_is(ptr) || theirs_free(ptr))
		return;
	if (!early_wanted()) /* else block_free() parks it */
		decay_tick();
	block_free("free", ptr, __builtin_return_address(0));
	errno = err;
}

EXPORT __attribute__((aligned(CACHE_LINE))) void free(void *ptr)
{
	if (likely(hit_free(ptr)))
		return;
	free_slow(ptr);
}

static __attribute__((noinline)) void *get_zeroed(size_t size)
{
	bool zero = false;
	void *ptr;

	if (size <= CLASS_MAX || early_wanted()) {
		ptr = block_get(size);
	} else {
		decay_tick();
		ptr = large_alloc(1, size, &zero);
		if (!ptr)
			errno = ENOMEM;
	}
	return ptr && !zero ? memset(ptr, 0, size) : ptr;
}

EXPORT void *calloc(size_t n, size_t size)
{
	struct class_hits *h = hits();
	size_t bytes;
	void *ptr;

	if (unlikely(__builtin_mul_overflow(n, size, &bytes)))
		bytes = SIZE_MAX;
	if (unlikely(!malloc_is_ours()))
		return theirs_calloc(bytes);
	if (likely(bytes <= CLASS_SMALL_MAX) && hit_alloc(h, bytes, &ptr))
		return memset(ptr, 0, bytes);
	if (bytes > CLASS_SMALL_MAX && hit_alloc_medium(bytes, &ptr))
		return memset(ptr, 0, bytes);
	return get_zeroed(bytes);
}

/* realloc --------------------------------------------------------------------- */

static void *early_leave(void *ptr, size_t size)
{
	size_t old = early_size(ptr);
	void *new = malloc_get(size);

	if (new)
		memcpy(new, ptr, size < old ? size : old);
	return new;
}

/* Copying into early memory, from where percu cannot be entered. */
static void *early_enter(void *ptr, size_t size)
{
	size_t old = block_usable("realloc", ptr);
	void *new = size <= old ? ptr : early_alloc(MALLOC_ALIGN, size);

	if (new &&new != ptr) {
		memcpy(new, ptr, old);
		free(ptr);
	}
	return new;
}

static __attribute__((noinline)) void *realloc_none(size_t size)
{
	return malloc_is_ours() ? malloc_get(size) : theirs_realloc(NULL, size);
}

static __attribute__((noinline)) void *realloc_slow(void *ptr, size_t size)
{
	void *new;

	if (early_is(ptr)) {
		new = early_leave(ptr, size);
	} else if (theirs_is(ptr)) {
		return theirs_realloc(ptr, size);
	} else if (early_wanted()) {
		new = early_enter(ptr, size);
	} else {
		decay_tick();
		new = block_realloc("realloc", ptr, size,
				    __builtin_return_address(0));
	}
	if (!new)
		errno = ENOMEM;
	return new;
}

/* Of what class is a block of that size? */
static inline unsigned int class_hit(const struct class_hits *h, size_t size)
{
	if (size <= CLASS_SMALL_MAX)
		return small_class(h, size);
	return size <= CLASS_MAX ? large_class(h, size) : 0;
}

/*
 * A block stays where it is if its class does, or if it gets smaller and at
 * least half of it is still used.  size is not 0.
 */
static inline bool class_stays(unsigned int old, unsigned int new, size_t size)
{
	return old && (new == old ||
		       (new < old &&new &&size >= class_size[old - 1] / 2));
}

EXPORT void *realloc(void *ptr, size_t size)
{
	const struct class_hits *h = hits();
	unsigned int c;
	void *new;

	if (unlikely(!ptr))
		return realloc_none(size);
	if (unlikely(!size)) { /* glibc's way, and its manual's */
		free(ptr);
		return NULL;
	}
	if (unlikely(!hit_class(ptr, &c) || !c || size > CLASS_MAX ||
		     class_pool[0].checked))
		return realloc_slow(ptr, size);
	if (class_stays(c, class_hit(h, size), size))
		return ptr;
	new = malloc_get(size);
	if (likely(new)) {
		size_t old = class_size[c - 1];

		memcpy(new, ptr, size < old ? size : old);
		free(ptr);
	}
	return new;
}

EXPORT void *reallocarray(void *ptr, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return everybodys_realloc(ptr, bytes);
}

/* Some programs ask at each malloc and each free. */
EXPORT size_t malloc_usable_size(void *ptr)
{
	unsigned int c;

	if (likely(hit_class(ptr, &c) && c && !class_pool[0].checked))
		return class_size[c - 1];
	if (!ptr)
		return 0;
	if (early_is(ptr))
		return early_size(ptr);
	if (theirs_is(ptr))
		return 0; /* who knows? */
	return block_usable("malloc_usable_size", ptr);
}

/* C23, which the headers may not know. */
EXPORT void free_sized(void *ptr, size_t size);
EXPORT void free_aligned_sized(void *ptr, size_t align, size_t size);

EXPORT void free_sized(void *ptr, size_t size)
{
	(void)size;
	free(ptr);
}

EXPORT void free_aligned_sized(void *ptr, size_t align, size_t size)
{
	(void)align;
	(void)size;
	free(ptr);
}

/* Other names. -------------------------------------------------------------------- */

extern void *ours_malloc(size_t size)
	__attribute__((alias("malloc"), LIKE(malloc), visibility("hidden")));

extern void ours_free(void *ptr)
	__attribute__((alias("free"), LIKE(free), visibility("hidden")));

extern void cfree(void *ptr) ALIAS(free);
extern void *__libc_malloc(size_t size) ALIAS(malloc);
extern void *__libc_realloc(void *ptr, size_t size) ALIAS(realloc);
extern void __libc_free(void *ptr) ALIAS(free);

/* Always ours; see align.c. */
EXPORT void *__libc_calloc(size_t n, size_t size);
EXPORT void *__libc_calloc(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		bytes = SIZE_MAX;
	return get_zeroed(bytes);
}

/* C++'s delete, and the one that is told the alignment; see operators.c. */
extern void _ZdlPv(void *ptr) ALIAS(free);
#ifndef __clang__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wattribute-alias"
#endif
extern void _ZdlPvSt11align_val_t(void *ptr, size_t align) ALIAS(free);
#ifndef __clang__
#pragma GCC diagnostic pop
#endif
