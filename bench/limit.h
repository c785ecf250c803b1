/* SPDX-License-Identifier: MIT */
/*
 * bench/limit.h - the least that a cache of objects can cost
 *
 * A stack of pointers in thread-local memory: nothing is shared, counted,
 * bounded or given back, and a thread takes its stack with it when it goes.
 * No pool can be faster behind the same kind of call; how close percu comes is
 * what bench/pair.c measures.
 */
#ifndef BENCH_LIMIT_H
#define BENCH_LIMIT_H

#include <stddef.h>
#include <percu/compiler.h>

enum {
	LIMIT_MAX = 511
};

struct limit {
	size_t n;
	void *obj[LIMIT_MAX];
};

/*
 * A plain pointer to thread-local memory.  Compilers differ in how they reach
 * it otherwise, and processors in how well they like that, by a factor of five.
 */
static inline struct limit *limit_plain(struct limit *l)
{
	__asm__("" : "+r"(l));
	return l;
}

static inline void *limit_pop(struct limit *l)
{
	if (__builtin_expect(!l->n, 0))
		return NULL;
	return l->obj[--l->n];
}

static inline void limit_push(struct limit *l, void *p)
{
	if (__builtin_expect(l->n == LIMIT_MAX, 0))
		return;
	l->obj[l->n++] = p;
}

/* limit.c: the same behind a call; declared as percu's functions are */
PERCU_API void *limit_get(void);
PERCU_API void limit_put(void *p);

#endif /* BENCH_LIMIT_H */
