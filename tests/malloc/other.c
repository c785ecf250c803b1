/* SPDX-License-Identifier: MIT */
/*
 * tests/malloc/other.c - another malloc, with few functions (LIBRARY), and a
 * program that calls others on its blocks
 *
 * Whoever preloads both has those functions from libpercu-malloc.so.  What the
 * library has beside malloc: FREE, REALLOC, SIZE (malloc_usable_size), and
 * MEMALIGN, POSIX_MEMALIGN or ALIGNED_ALLOC.  Its free() knows its own blocks.
 *
 * The program's arguments say what it is to find working: "realloc", "aligned".
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef LIBRARY

enum {
	ROOM = 1 << 20
};

static char room[ROOM] __attribute__((aligned(4096)));
static size_t used;

/* Its size is in the word before it. */
static void *cut(size_t align, size_t size)
{
	size_t at = (used + sizeof(size_t) + align - 1) & ~(align - 1);

	if (at > ROOM || size > ROOM - at)
		return NULL;
	memset(room + at, 0x5a, size);
	memcpy(room + at - sizeof(size_t), &size, sizeof(size));
	used = at + size;
	return room + at;
}

static size_t size_of(void *ptr)
{
	size_t size;

	if ((char *)ptr < room || (char *)ptr >= room + ROOM)
		abort();
	memcpy(&size, (char *)ptr - sizeof(size), sizeof(size));
	return size;
}

void *malloc(size_t size)
{
	return cut(16, size);
}

#ifdef FREE
void free(void *ptr)
{
	if (ptr)
		size_of(ptr);
}
#endif

#ifdef REALLOC
void *realloc(void *ptr, size_t size)
{
	size_t old = ptr ? size_of(ptr) : 0;
	void *new = malloc(size);

	return new &&ptr ? memcpy(new, ptr, size < old ? size : old) : new;
}
#endif

#ifdef SIZE
size_t malloc_usable_size(void *ptr)
{
	return ptr ? size_of(ptr) : 0;
}
#endif

#ifdef MEMALIGN
void *memalign(size_t align, size_t size)
{
	return cut(align, size);
}
#endif

#ifdef POSIX_MEMALIGN
int posix_memalign(void **ptr, size_t align, size_t size)
{
	*ptr = cut(align, size);
	return *ptr ? 0 : ENOMEM;
}
#endif

#ifdef ALIGNED_ALLOC
void *aligned_alloc(size_t align, size_t size)
{
	return size % align ? NULL : cut(align, size);
}
#endif

#else

static void must(const char *what, int holds)
{
	if (holds)
		return;
	fprintf(stderr, "other: %s\n", what);
	exit(1);
}

/* In a program at a fixed place an address that it takes is everybody's. */
static void take_addresses(void)
{
	void *(*volatile fn)(size_t, size_t) = calloc;
	void *(*volatile again)(void *, size_t) = realloc;
	size_t (*volatile size)(void *) = malloc_usable_size;

	fn = memalign;
	fn = aligned_alloc;
	(void)fn, (void)again, (void)size;
}

static void give(const char *name, void *ptr)
{
	void (*fn)(void *ptr, size_t size);

	*(void **)&fn = dlsym(RTLD_DEFAULT, name);
	fn(ptr, 100);
}

/* Has it been handed out, and aligned, and can it be freed? */
static void aligned(const char *name, void *ptr, size_t align, int works)
{
	must(name, !ptr == !works && (ptr || errno == ENOMEM));
	must(name, (uintptr_t)ptr % align == 0);
	if (ptr)
		memset(ptr, 1, align);
	free(ptr);
	errno = 0;
}

static void all_aligned(int works)
{
	void *ptr = NULL;

	errno = 0;
	aligned("memalign", memalign(64, 100), 64, works);
	aligned("aligned_alloc", aligned_alloc(128, 128), 128, works);
	aligned("valloc", valloc(100), 4096, works);
	aligned("pvalloc", pvalloc(10), 4096, works);
	must("posix_memalign",
	     posix_memalign(&ptr, 256, 1000) == (works ? 0 : ENOMEM));
	free(ptr);
	free(memalign(8, 10));
}

static void all_realloc(int works)
{
	char *p = realloc(NULL, 100), *q;

	must("realloc(NULL)", !!p);
	strcpy(p, "kept");
	errno = 0;
	q = realloc(p, 1000);
	must("realloc", !q == !works && (q || errno == ENOMEM));
	p = q ? q : p;
	must("realloc's contents", !strcmp(p, "kept"));
	q = reallocarray(p, 20, 100);
	must("reallocarray", !q == !works);
	free(q ? q : p);
}

int main(int argc, char **argv)
{
	int realloc_works = 0, aligned_works = 0;
	char *zero = calloc(10, 10);
	volatile size_t much = SIZE_MAX / 2;

	take_addresses();
	for (int i = 1; i < argc; i++) {
		realloc_works |= !strcmp(argv[i], "realloc");
		aligned_works |= !strcmp(argv[i], "aligned");
	}
	for (int i = 0; i < 100; i++)
		must("calloc", zero && !zero[i]);
	free(zero);
	must("calloc of too much", !calloc(much, 3));
	all_aligned(aligned_works);
	all_realloc(realloc_works);
	give("free_sized", malloc(100));
	give("cfree", malloc(100));
	give("_ZdlPvRKSt9nothrow_t", malloc(100));
	return 0;
}

#endif
