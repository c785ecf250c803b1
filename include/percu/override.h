/* SPDX-License-Identifier: MIT */
/*
 * percu/override.h - malloc() of one source tree becomes percu's
 *
 *	cc -D_GNU_SOURCE -include percu/override.h ...	each file of the tree
 *
 * or #include <percu/override.h> after the headers of system and libraries.
 * Calls of malloc(), free() and their family by name are percu's from there on,
 * in this file; no other file, no library and no other allocator is touched.
 *
 * Given by -include it comes before what the file defines for its headers: so
 * _GNU_SOURCE and the like go to the command line too.
 *
 * These are macros that look like functions, and replace calls and nothing
 * else.  What to look out for in a tree:
 *
 *	a name without a call	destroy(list, free) passes libc's free, which knows
 *				nothing of percu's blocks and at best aborts:
 *				write percu_free there
 *	a member of that name	x->free(p) does not compile unless the member was
 *				declared as a call too (a method is): write
 *				(x->free)(p)
 *	memory from elsewhere	what libc or a library has allocated is not
 *				percu's: free it by (free)(p), which is never
 *				replaced.  free(p) reports it as misuse, and so
 *				does realloc(p, n).
 *	memory for elsewhere	what a library will free, it frees by its own
 *				free(): allocate it by (malloc)(n)
 *
 * What libc allocates for its caller is percu's where it is among the calls
 * below: strdup, strndup, asprintf, vasprintf, realpath, and in C getline and
 * getdelim, which mean something else in C++.
 * What is not (getcwd(NULL, 0), scandir, open_memstream, wcsdup, ...) is for
 * (free)().  operator new and delete are left alone.
 *
 * Sizes of 0, overflow, errno: as glibc's.  Alignments are at most 32 MiB.
 */
#ifndef PERCU_OVERRIDE_H
#define PERCU_OVERRIDE_H

/*
 * Whoever declares these names, or takes macros of these names away, as
 * <cstdlib> does, has done so before they are defined.
 */
#ifdef __cplusplus
#include <cstdio>
#include <cstdlib>
#include <cstring>
#endif
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/* private: each is what its name says, with memory from percu */
static inline void *percu_override_reallocarray(void *ptr, size_t n,
						size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return percu_hook_realloc(ptr, bytes);
}

static inline int percu_override_posix_memalign(void **ptr, size_t align,
						size_t size)
{
	int was = errno, err;

	void *block;

	if (align % sizeof(void *))
		return EINVAL;
	block = percu_alloc_aligned(align, size);
	if (block) {
		*ptr = block;
		return 0;
	}
	err = errno == EINVAL ? EINVAL : ENOMEM;
	errno = was;
	return err;
}

/* The next power of two, as glibc takes it. */
static inline void *percu_override_memalign(size_t align, size_t size)
{
	size_t power = 1;

	while (power < align && power <= SIZE_MAX / 2)
		power *= 2;
	if (power < align) {
		errno = EINVAL;
		return NULL;
	}
	return percu_alloc_aligned(power, size);
}

static inline void *percu_override_valloc(size_t size)
{
	return percu_alloc_aligned((size_t)sysconf(_SC_PAGESIZE), size);
}

/* Whole pages, and one at least. */
static inline void *percu_override_pvalloc(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t whole = (size + page - 1) & ~(page - 1);

	if (whole < size) {
		errno = ENOMEM;
		return NULL;
	}
	return percu_alloc_aligned(page, whole ? whole : page);
}

static inline char *percu_override_strndup(const char *s, size_t n)
{
	const char *end = (const char *)memchr(s, '\0', n);
	char *copy;

	if (end)
		n = (size_t)(end - s);
	copy = (char *)percu_alloc(n + 1);
	if (copy) {
		memcpy(copy, s, n);
		copy[n] = '\0';
	}
	return copy;
}

static inline __attribute__((__format__(__printf__, 2, 0))) int
percu_override_vasprintf(char **s, const char *fmt, va_list args)
{
	va_list again;
	int n;

	*s = NULL;
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return -1;
	*s = (char *)percu_alloc((size_t)n + 1);
	return *s ? vsnprintf(*s, (size_t)n + 1, fmt, args) : -1;
}

static inline __attribute__((__format__(__printf__, 2, 3))) int
percu_override_asprintf(char **s, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = percu_override_vasprintf(s, fmt, args);
	va_end(args);
	return n;
}

#if defined(_POSIX_C_SOURCE) && _POSIX_C_SOURCE >= 200809L
/* Room for one character more, and for the end. */
static inline int percu_override_room(char **line, size_t *cap, size_t len)
{
	size_t more = *cap < 64 ? 128 : 2 * *cap;
	char *p;

	if (*line && len + 2 <= *cap)
		return 0;
	if (len + 2 > (size_t)SSIZE_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	p = (char *)percu_realloc(*line, more);
	if (!p)
		return -1;
	*line = p;
	*cap = more;
	return 0;
}

static inline ssize_t percu_override_getdelim(char **line, size_t *cap,
					      int delim, FILE *f)
{
	size_t len = 0;
	int c = 0;

	if (!line || !cap) {
		errno = EINVAL;
		return -1;
	}
	if (!*line)
		*cap = 0;
	flockfile(f);
	while (c != EOF && !(len && c == delim)) {
		if (percu_override_room(line, cap, len)) {
			funlockfile(f);
			return -1;
		}
		c = getc_unlocked(f);
		if (c != EOF)
			(*line)[len++] = (char)c;
	}
	funlockfile(f);
	if (!len)
		return -1;
	(*line)[len] = '\0';
	return (ssize_t)len;
}

static inline ssize_t percu_override_getline(char **line, size_t *cap, FILE *f)
{
	return percu_override_getdelim(line, cap, '\n', f);
}
#endif

#if defined(_DEFAULT_SOURCE) || (defined(_XOPEN_SOURCE) && _XOPEN_SOURCE >= 500)
static inline char *percu_override_realpath(const char *path, char *to)
{
	char *libcs, *ours;

	if (to)
		return realpath(path, to);
	libcs = realpath(path, NULL);
	ours = libcs ? percu_hook_strdup(libcs) : NULL;
	free(libcs);
	return ours;
}
#endif

PERCU_END_DECLS

#ifdef __cplusplus
/* std::free(p) becomes std::percu_free(p). */
namespace std {
using ::percu_alloc;
using ::percu_alloc_aligned;
using ::percu_free;
using ::percu_hook_calloc;
using ::percu_hook_realloc;
} // namespace std
#endif

/* Where libc has macros of these names. */
#undef aligned_alloc
#undef asprintf
#undef calloc
#undef free
#undef malloc
#undef malloc_usable_size
#undef memalign
#undef posix_memalign
#undef pvalloc
#undef realloc
#undef reallocarray
#undef realpath
#undef strdup
#undef strndup
#undef valloc
#undef vasprintf

/* public: */

/**
 * DOC: blocks
 *
 *	malloc calloc realloc reallocarray free
 *	aligned_alloc memalign posix_memalign valloc pvalloc
 *	malloc_usable_size
 *
 * Each does what glibc's does, with a block of percu's: percu_alloc(),
 * percu_realloc() and percu_free() take and give the same ones.  An alignment
 * over 32 MiB is EINVAL, and so is one of aligned_alloc() that is no power of
 * two.  A block that percu did not hand out is misuse, which ends the program.
 */
#define malloc(...)             percu_alloc(__VA_ARGS__)
#define calloc(...)             percu_hook_calloc(__VA_ARGS__)
#define realloc(...)            percu_hook_realloc(__VA_ARGS__)
#define reallocarray(...)       percu_override_reallocarray(__VA_ARGS__)
#define free(...)               percu_free(__VA_ARGS__)
#define aligned_alloc(...)      percu_alloc_aligned(__VA_ARGS__)
#define memalign(...)           percu_override_memalign(__VA_ARGS__)
#define posix_memalign(...)     percu_override_posix_memalign(__VA_ARGS__)
#define valloc(...)             percu_override_valloc(__VA_ARGS__)
#define pvalloc(...)            percu_override_pvalloc(__VA_ARGS__)
#define malloc_usable_size(...) percu_usable_size(__VA_ARGS__)

/**
 * DOC: texts
 *
 *	strdup strndup asprintf vasprintf
 *	realpath getline getdelim
 *
 * Each does what glibc's does; what it allocates is for percu_free().  getline()
 * and getdelim() in C alone, and all of them where the system's headers declare
 * them.
 */
#define strdup(...)    percu_hook_strdup(__VA_ARGS__)
#define strndup(...)   percu_override_strndup(__VA_ARGS__)
#define asprintf(...)  percu_override_asprintf(__VA_ARGS__)
#define vasprintf(...) percu_override_vasprintf(__VA_ARGS__)
#if defined(_DEFAULT_SOURCE) || (defined(_XOPEN_SOURCE) && _XOPEN_SOURCE >= 500)
#define realpath(...) percu_override_realpath(__VA_ARGS__)
#endif
#ifndef __cplusplus /* where these are names of <string> and <istream> */
#undef getdelim
#undef getline
#if defined(_POSIX_C_SOURCE) && _POSIX_C_SOURCE >= 200809L
#define getdelim(...) percu_override_getdelim(__VA_ARGS__)
#define getline(...)  percu_override_getline(__VA_ARGS__)
#endif
#endif

#endif /* PERCU_OVERRIDE_H */
