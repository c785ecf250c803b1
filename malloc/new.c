/* SPDX-License-Identifier: MIT */
/*
 * malloc/new.c - C++'s operator new, and the one that is told the alignment
 *
 * By their mangled names, so that a C program gets no C++ library with them.
 * Where one is, its own operators are next in line: an operator new that fails
 * is theirs to fail, for they know the new_handler and how to throw
 * std::bad_alloc, and call malloc() again, which is ours.
 *
 * The operators delete are other names of free(), in malloc.c.  All other forms
 * are in operators.c.
 */
#include <dlfcn.h>

#include "malloc/operators.h"
#include "sys/report.h"

__attribute__((noinline, cold)) void *operator_next(const char *name)
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

OPERATOR_NEW(_Znwm, (size_t size), (size), NEW_HIT, get_medium(size))
OPERATOR_NEW(_ZnwmSt11align_val_t, (size_t size, size_t align), (size, align),
	     NEW_MISS, block_get_aligned(align, size))

extern void *ours_new(size_t size)
	__attribute__((alias("_Znwm"), LIKE(_Znwm), visibility("hidden")));
extern void *ours_new_aligned(size_t size, size_t align)
	__attribute__((alias("_ZnwmSt11align_val_t"),
		       LIKE(_ZnwmSt11align_val_t), visibility("hidden")));
