/* SPDX-License-Identifier: MIT */
/*
 * bench/loops.h - the loops that contestants share
 *
 * Each is inlined into a function that names its get and put as constants, so
 * that the compiler makes direct calls of them: one text, the same
 * instructions around each contestant.
 */
#ifndef BENCH_LOOPS_H
#define BENCH_LOOPS_H

#include "bench/bench.h"

#define LOOP static inline __attribute__((always_inline)) void

LOOP loop_pair(uint64_t iters, void *(*get)(void *),
	       void (*put)(void *, void *), void *ctx)
{
	while (iters--) {
		void *p = get(ctx);

		touch(p);
		put(ctx, p);
	}
}

/*
 * Takes a hundred objects for good: with one alone, an allocator may be busy
 * giving its page back each time.
 */
LOOP loop_keep(void *(*get)(void *), void *ctx)
{
	for (int i = 0; i < 100; i++)
		touch(get(ctx));
}

enum {
	SET_MAX = 4096
};

/* Takes n objects, then puts them back in the order in which they came. */
LOOP loop_set(uint64_t iters, size_t n, void *(*get)(void *),
	      void (*put)(void *, void *), void *ctx)
{
	void *set[SET_MAX];

	while (iters--) {
		for (size_t i = 0; i < n; i++)
			set[i] = get(ctx);
		touch(set);
		for (size_t i = 0; i < n; i++)
			put(ctx, set[i]);
	}
}

#endif /* BENCH_LOOPS_H */
