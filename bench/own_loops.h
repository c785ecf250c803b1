/* SPDX-License-Identifier: MIT */
/* bench/own_loops.h - what percu and the limit run, behind a call */
#ifndef BENCH_OWN_LOOPS_H
#define BENCH_OWN_LOOPS_H

#include "bench/loops.h"

/* who: limit, pool, alloc, sized or nothing; a call of whichever form the program has */
const struct loops *own_loops(const char *who);
void limit_fill(void); /* the calling thread's stack */

void pair_inlined(void *pool, uint64_t iters); /* pair_inline.c: no call */

#endif /* BENCH_OWN_LOOPS_H */
