/* SPDX-License-Identifier: MIT */
/*
 * bench/shapes.h - the shapes of Go's benchmarks of its pool, for percu
 */
#ifndef BENCH_SHAPES_H
#define BENCH_SHAPES_H

#include "bench/bench.h"

/* go.c: the Go program, built, as a worker for one shape */
struct worker *go_start(const char *shape);

/* Against what go_start() makes; objects are OBJECT bytes. */
void shapes(void);

#endif /* BENCH_SHAPES_H */
