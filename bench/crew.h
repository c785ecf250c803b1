/* SPDX-License-Identifier: MIT */
/*
 * bench/crew.h - threads that wait, and run a loop at once when told to
 */
#ifndef BENCH_CREW_H
#define BENCH_CREW_H

#include <stdbool.h>
#include <stdint.h>

struct crew;

/* What a member does when it starts and before it ends; either may be NULL. */
struct crew_life {
	void (*enter)(void);
	void (*leave)(void);
};

/* Of all members together, in ns: on a CPU, and by the clock. */
struct crew_time {
	uint64_t cpu, wall;
};

/* pinned: the i-th member to the i-th CPU, the last one first. */
struct crew *crew_start(unsigned int size, bool pinned,
			const struct crew_life *life);
void crew_stop(struct crew *crew);

/*
 * Each member runs fn(ctx, warm), waits for the others, and runs fn(ctx, iters)
 * against the clock.  Without warm it begins at once.
 */
struct crew_time crew_run(struct crew *crew, void (*fn)(void *, uint64_t),
			  void *ctx, uint64_t warm, uint64_t iters);

#endif /* BENCH_CREW_H */
