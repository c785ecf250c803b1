/* SPDX-License-Identifier: MIT */
/*
 * malloc/deepbind.c - no library gets a malloc of its own
 *
 * What is opened with RTLD_DEEPBIND looks for names in its own dependencies
 * before it looks in the program, and finds the C library's malloc there: what
 * it allocates the program then frees here, or the other way round.  PHP opens
 * its extensions so, and ends in the first of them.  Hence this dlopen(), which
 * takes the flag off where the program's malloc is ours.
 *
 * The real one looks at its return address for who calls, whose search path it
 * then uses: so it has to be jumped to, and returns to the caller (Kbuild asks
 * the compiler for that).
 */
#include <dlfcn.h>

#include "malloc/malloc.h"

typedef void *dlopen_fn(const char *file, int mode);

static dlopen_fn *real; /* (a) */

static __attribute__((noinline, cold)) dlopen_fn *real_find(void)
{
	void *sym = dlsym(RTLD_NEXT, "dlopen");
	dlopen_fn *fn;

	memcpy(&fn, &sym, sizeof(fn));
	/* Relaxed: all who look find the same. */
	__atomic_store_n(&real, fn, __ATOMIC_RELAXED);
	return fn;
}

EXPORT void *dlopen(const char *file, int mode)
{
	dlopen_fn *fn = __atomic_load_n(&real, __ATOMIC_RELAXED);

	if (unlikely(!fn))
		fn = real_find();
	if (mode & RTLD_DEEPBIND && malloc_is_ours())
		mode &= ~RTLD_DEEPBIND;
	return fn(file, mode);
}
