/* SPDX-License-Identifier: MIT */
/* malloc/operators.h - what C++'s operators new are made of */
#ifndef PERCU_MALLOC_OPERATORS_H
#define PERCU_MALLOC_OPERATORS_H

#include "malloc/malloc.h"

/* The next definition of one of our operators: that of the C++ library. */
void *operator_next(const char *name);

/* new.c: ours, whoever's the exported names are */
void *ours_new(size_t size);
void *ours_new_aligned(size_t size, size_t align);

/*
 * An operator new.  hit: it has a block in ptr; block: what a miss gets, NULL if
 * none.  Then it is for the next one to fail.
 */
#define OPERATOR_NEW(name, parameters, arguments, hit, block)               \
	EXPORT void *name parameters;                                       \
	static __attribute__((noinline, cold)) void *name##_slow parameters \
	{                                                                   \
		void *(*fn)parameters, *sym, *ptr = block;                  \
                                                                            \
		if (ptr)                                                    \
			return ptr;                                         \
		sym = operator_next(#name);                                 \
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

#define NEW_HIT  (likely(size <= CLASS_SMALL_MAX) && hit_alloc(h, size, &ptr))
#define NEW_MISS ((void)h, (void)ptr, false)

#endif /* PERCU_MALLOC_OPERATORS_H */
