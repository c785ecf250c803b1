/* SPDX-License-Identifier: MIT */
/* tests/override/blocks.c - the family, and what it says in the corners */
#include "tree.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Members of these names: what is no call is left alone. */
struct allocator {
	void *(*malloc)(size_t);
	void (*free)(void *);
};

static volatile size_t big = SIZE_MAX / 2; /* or the compiler warns of it */

static int corners(void)
{
	void *p = malloc(0), *q = NULL;

	if (!p)
		return -1;
	if (realloc(p, 0)) /* frees, as glibc's */
		return -1;
	errno = 0;
	if (calloc(big, 4) || errno != ENOMEM)
		return -1;
	errno = 0;
	if (reallocarray(NULL, big, 4) || errno != ENOMEM)
		return -1;
	errno = 5;
	q = p = malloc(1);
	if (posix_memalign(&q, 24, 1) != EINVAL || errno != 5 || q != p)
		return -1;
	if (posix_memalign(&q, 64, big) != ENOMEM || errno != 5 || q != p)
		return -1;
	free(p);
	if (posix_memalign(&q, 4096, 100) || (uintptr_t)q % 4096)
		return -1;
	free(q);
	free(NULL);
	return 3;
}

/* As glibc's: the next power of two; pages, and whole ones. */
static int pages(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *a = memalign(24, 100), *b = memalign(0, 1), *c = valloc(1);
	void *d = pvalloc(page + 1), *e = pvalloc(0);

	if (!a || !b || !c || !d || !e || (uintptr_t)a % 32 ||
	    (uintptr_t)c % page || (uintptr_t)d % page || (uintptr_t)e % page)
		return -1;
	if (malloc_usable_size(d) < 2 * page || malloc_usable_size(e) < page)
		return -1;
	free(a);
	free(b);
	free(c);
	free(d);
	free(e);
	errno = 0;
	if (memalign(big + 3, 1) || errno != EINVAL)
		return -1;
	errno = 0;
	if (pvalloc(2 * big) || errno != ENOMEM)
		return -1;
	return 5;
}

static int members(void)
{
	struct allocator a = { .malloc = malloc, .free = free }; /* libc's */
	void *p = (a.malloc)(10);

	if (!p)
		return -1;
	(a.free)(p);
	return 0;
}

int blocks_part(void)
{
	int *v = malloc(10 * sizeof(*v)), n = 0;
	char *z = calloc(100, 7), *a = aligned_alloc(64, 640);

	if (!v || !z || !a || (uintptr_t)a % 64 || malloc_usable_size(z) < 700)
		return -1;
	for (int i = 0; i < 10; i++)
		v[i] = i;
	v = realloc(v, 100000 * sizeof(*v));
	for (int i = 0; v && i < 10; i++)
		n += v[i];
	v = reallocarray(v, 20, sizeof(*v));
	for (int i = 0; i < 700; i++)
		n += z[i];
	free(v);
	(free)(NULL);
	free(z);
	free(a);
	return n == 45 && corners() == 3 && pages() == 5 && !members() ? 13 :
									 -1;
}

char *libcs_directory(void)
{
	return getcwd(NULL, 0);
}

void free_it(void *p)
{
	free(p);
}

void free_libcs(void *p)
{
	(free)(p);
}

void *realloc_it(void *p)
{
	return realloc(p, 10000);
}
