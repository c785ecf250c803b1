/* SPDX-License-Identifier: MIT */
/* bench/own_loops.h - what percu and the limit run, behind a call */
#ifndef BENCH_OWN_LOOPS_H
#define BENCH_OWN_LOOPS_H

#include "bench/loops.h"

/* who: limit, pool, alloc, sized or nothing; a call of whichever form the program has */
const struct loops *own_loops(const char *who);
void limit_fill(void); /* the calling thread's stack */

/* pair_inline.c: no call; and the same for who counts its instructions */
void pair_inlined(void *pool, uint64_t iters);
struct percu_pool;
void *inlined_get(struct percu_pool *pool);
void inlined_put(struct percu_pool *pool, void *p);

#endif /* BENCH_OWN_LOOPS_H */
