/* SPDX-License-Identifier: MIT */
/*
 * tests/crew.h - runs of workers, for the tests of them
 *
 * With one thread a run is repeatable, and on the test's own thread: then
 * workers may make CUnit's assertions, and only then.
 */
#ifndef PERCU_TESTS_CREW_H
#define PERCU_TESTS_CREW_H

#include <stdint.h>
#include <stdlib.h>

#include "stress/workers/workers.h"

enum {
	THREADS = 4,
};

static inline struct sched *crew(unsigned int threads, uint64_t seed)
{
	const struct sched_attr attr = { .threads = threads,
					 .repeatable = threads == 1,
					 .seed = seed };
	struct sched *s = sched_new(&attr);

	if (!s)
		abort();
	return s;
}

/* How many have leaked. */
static inline size_t crew_end(struct sched *s, struct sched_stats *st)
{
	size_t leaked = sched_run(s);

	if (st)
		sched_stats(s, st);
	sched_free(s);
	return leaked;
}

static inline void *as_p(uintptr_t n)
{
	return (void *)n;
}

#endif /* PERCU_TESTS_CREW_H */
