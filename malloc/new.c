/* SPDX-License-Identifier: MIT */
/*
 * malloc/new.c - C++'s operators new
 *
 * By their mangled names, so that a C program gets no C++ library with them.
 * Where one is, its own operators are next in line: an operator new that fails
 * is theirs to fail, for they know the new_handler and how to throw
 * std::bad_alloc, and call malloc() again, which is ours.
 *
 * The operators delete are other names of free(), in malloc.c.
 */
#include <dlfcn.h>

#include "malloc/malloc.h"
#include "sys/report.h"

/* The next definition of an operator of this file. */
static __attribute__((noinline, cold)) void *next(const char *name)
{
	void *fn = dlsym(RTLD_NEXT, name), *lib;

	if (fn)
		return fn;
	/* A plugin may have brought it, for itself alone. */
	lib = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
	if (!lib)
		lib = dlopen("libc++.so.1", RTLD_LAZY | RTLD_NOLOAD);
	fn = lib ? dlsym(lib, name) : NULL;
	if (!fn)
		report_misuse("%s: no memory, and no C++ library to say so",
			      name);
	return fn;
}

/* hit: it has a block in ptr; block: what a miss gets, NULL if none. */
#define OPERATOR_NEW(name, parameters, arguments, hit, block)               \
	EXPORT void *name parameters;                                       \
	static __attribute__((noinline, cold)) void *name##_slow parameters \
	{                                                                   \
		void *(*fn)parameters, *sym, *ptr = block;                  \
                                                                            \
		if (ptr)                                                    \
			return ptr;                                         \
		sym = next(#name);                                          \
		memcpy(&fn, &sym, sizeof(fn));                              \
		return fn arguments;                                        \
	}                                                                   \
	EXPORT __attribute__((aligned(CACHE_LINE))) void *name parameters   \
	{                                                                   \
		struct class_hits *h = hits();                              \
		void *ptr;                                                  \
                                                                            \
		if (hit)                                                    \
			return ptr;                                         \
		return name##_slow arguments;                               \
	}

#define HIT  (likely(size <= CLASS_SMALL_MAX) && hit_alloc(h, size, &ptr))
#define MISS ((void)h, (void)ptr, false)

/* nothrow: std::nothrow, which says nothing but which operator is meant. */
OPERATOR_NEW(_Znwm, (size_t size), (size), HIT, get_medium(size))
OPERATOR_NEW(_Znam, (size_t size), (size), HIT, get_medium(size))
OPERATOR_NEW(_ZnwmRKSt9nothrow_t, (size_t size, const void *nothrow),
	     (size, nothrow), HIT, get_medium(size))
OPERATOR_NEW(_ZnamRKSt9nothrow_t, (size_t size, const void *nothrow),
	     (size, nothrow), HIT, get_medium(size))
OPERATOR_NEW(_ZnwmSt11align_val_t, (size_t size, size_t align), (size, align),
	     MISS, block_get_aligned(align, size))
OPERATOR_NEW(_ZnamSt11align_val_t, (size_t size, size_t align), (size, align),
	     MISS, block_get_aligned(align, size))
OPERATOR_NEW(_ZnwmSt11align_val_tRKSt9nothrow_t,
	     (size_t size, size_t align, const void *nothrow),
	     (size, align, nothrow), MISS, block_get_aligned(align, size))
OPERATOR_NEW(_ZnamSt11align_val_tRKSt9nothrow_t,
	     (size_t size, size_t align, const void *nothrow),
	     (size, align, nothrow), MISS, block_get_aligned(align, size))
