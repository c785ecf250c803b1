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
	if (posix_memalign(&q, 24, 1) != EINVAL || errno != 5)
		return -1;
	if (posix_memalign(&q, 4096, 100) || (uintptr_t)q % 4096)
		return -1;
	free(q);
	free(NULL);
	return 2;
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
	return n == 45 && corners() == 2 && !members() ? 7 : -1;
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
