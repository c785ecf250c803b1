/* SPDX-License-Identifier: MIT */
/*
 * malloc/align.c - blocks at a multiple of something
 *
 * As glibc has them: memalign() takes the next power of two, aligned_alloc()
 * does not ask for a size that is a multiple, and there is no largest one but
 * what the address space has.
 *
 * The forms that begin with two underscores are what the other malloc is made
 * of, if there is one: always ours.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "malloc/malloc.h"
#include "sys/os.h"

typedef void *get_fn(size_t align, size_t size);

static void *get_aligned(size_t align, size_t size)
{
	if (unlikely(!malloc_is_ours()))
		return theirs_aligned(align, size);
	return block_get_aligned(align, size);
}

static bool is_power(size_t n)
{
	return n && !(n & (n - 1));
}

static void *invalid(void)
{
	errno = EINVAL;
	return NULL;
}

static inline void *memalign_by(get_fn *get, size_t align, size_t size)
{
	if (align > SIZE_MAX / 2 + 1)
		return invalid();
	if (!is_power(align))
		align = align ? (size_t)2 << (63 - __builtin_clzll(align)) : 1;
	return get(align, size);
}

static inline int posix_memalign_by(get_fn *get, void **ptr, size_t align,
				    size_t size)
{
	int err = errno;
	void *p;

	if (!is_power(align) || align % sizeof(void *))
		return EINVAL;
	p = get(align, size);
	if (!p) {
		errno = err;
		return ENOMEM;
	}
	*ptr = p;
	return 0;
}

static inline void *pvalloc_by(get_fn *get, size_t size)
{
	size_t page = os_page_size();

	if (size > PTRDIFF_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	size = (size + page - 1) & ~(page - 1);
	return get(page, size ? size : page);
}

EXPORT void *memalign(size_t align, size_t size)
{
	return memalign_by(get_aligned, align, size);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
	return is_power(align) ? get_aligned(align, size) : invalid();
}

EXPORT int posix_memalign(void **ptr, size_t align, size_t size)
{
	return posix_memalign_by(get_aligned, ptr, align, size);
}

EXPORT void *valloc(size_t size)
{
	return get_aligned(os_page_size(), size);
}

EXPORT void *pvalloc(size_t size)
{
	return pvalloc_by(get_aligned, size);
}

/* No header has these. */
EXPORT void *__libc_memalign(size_t align, size_t size);
EXPORT void *__libc_valloc(size_t size);
EXPORT void *__libc_pvalloc(size_t size);
EXPORT int __posix_memalign(void **ptr, size_t align, size_t size);

EXPORT void *__libc_memalign(size_t align, size_t size)
{
	return memalign_by(block_get_aligned, align, size);
}

EXPORT void *__libc_valloc(size_t size)
{
	return block_get_aligned(os_page_size(), size);
}

EXPORT void *__libc_pvalloc(size_t size)
{
	return pvalloc_by(block_get_aligned, size);
}

EXPORT int __posix_memalign(void **ptr, size_t align, size_t size)
{
	return posix_memalign_by(block_get_aligned, ptr, align, size);
}
