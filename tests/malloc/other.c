/* SPDX-License-Identifier: MIT */
/*
 * tests/malloc/other.c - another malloc, with few functions (LIBRARY), and a
 * program that calls others on its blocks
 *
 * Whoever preloads both has those functions from libpercu-malloc.so.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <malloc.h>

#ifdef LIBRARY

enum {
	ROOM = 1 << 20
};

static char room[ROOM] __attribute__((aligned(4096)));
static size_t used;

void *memalign(size_t align, size_t size)
{
	size_t at = (used + align - 1) & ~(align - 1);

	if (size > ROOM - at)
		return NULL;
	used = at + size;
	return room + at;
}

void *malloc(size_t size)
{
	return memalign(16, size);
}

void free(void *ptr)
{
	if (ptr && ((char *)ptr < room || (char *)ptr >= room + ROOM))
		abort();
}

void *realloc(void *ptr, size_t size)
{
	void *new = malloc(size);

	free(ptr);
	if (new &&ptr)
		memmove(new, ptr, size);
	return new;
}

#else

static void give(const char *name, void *ptr)
{
	void (*fn)(void *ptr, size_t size);

	*(void **)&fn = dlsym(RTLD_DEFAULT, name);
	fn(ptr, 100);
}

int main(void)
{
	free(reallocarray(reallocarray(NULL, 10, 10), 20, 20));
	free(pvalloc(10));
	give("free_sized", malloc(100));
	give("cfree", malloc(100));
	give("_ZdlPvRKSt9nothrow_t", malloc(100));
	return malloc_usable_size(malloc(100)) != 0; /* nobody knows */
}

#endif
