/* SPDX-License-Identifier: MIT */
/*
 * malloc/align.c - blocks at a multiple of something
 *
 * As glibc has them: memalign() takes the next power of two, aligned_alloc()
 * does not ask for a size that is a multiple, and there is no largest one but
 * what the address space has.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "malloc/malloc.h"
#include "sys/os.h"

static bool is_power(size_t n)
{
	return n && !(n & (n - 1));
}

static void *invalid(void)
{
	errno = EINVAL;
	return NULL;
}

EXPORT void *memalign(size_t align, size_t size)
{
	if (align > SIZE_MAX / 2 + 1)
		return invalid();
	if (!is_power(align))
		align = align ? (size_t)2 << (63 - __builtin_clzll(align)) : 1;
	return block_get_aligned(align, size);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
	return is_power(align) ? block_get_aligned(align, size) : invalid();
}

EXPORT int posix_memalign(void **ptr, size_t align, size_t size)
{
	int err = errno;
	void *p;

	if (!is_power(align) || align % sizeof(void *))
		return EINVAL;
	p = block_get_aligned(align, size);
	if (!p) {
		errno = err;
		return ENOMEM;
	}
	*ptr = p;
	return 0;
}

EXPORT void *valloc(size_t size)
{
	return block_get_aligned(os_page_size(), size);
}

EXPORT void *pvalloc(size_t size)
{
	size_t page = os_page_size();

	if (size > PTRDIFF_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	size = (size + page - 1) & ~(page - 1);
	return everybodys_memalign(page, size ? size : page);
}

extern void *__libc_memalign(size_t align, size_t size) ALIAS(memalign);
extern void *__libc_valloc(size_t size) ALIAS(valloc);
extern void *__libc_pvalloc(size_t size) ALIAS(pvalloc);
extern int __posix_memalign(void **ptr, size_t align, size_t size)
	ALIAS(posix_memalign);
