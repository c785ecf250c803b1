/* SPDX-License-Identifier: MIT */
/*
 * bench/threads.c - what a get and put cost with more threads than CPUs
 *
 * Teams of 1 to 512 threads take turns on the same CPUs.  A turn is the same
 * number of pairs for each, dealt out evenly; what counts is the time on a CPU
 * that all members together have used, for a pair.  A cache that belongs to
 * CPUs has no reason to charge more when there are more threads.
 */
#include <stdio.h>

#include <percu/pool.h>

#include "bench/bench.h"
#include "bench/crew.h"

enum {
	TURN_NS = 60 * MSEC
};

static const double BOUND = 1.25;

struct team {
	unsigned int size;
	struct percu_pool *pool;
	struct crew *crew;
};

static uint64_t turn(void *ctx, uint64_t pairs)
{
	struct team *team = ctx;

	return crew_run(team->crew, pair_pool, team->pool, 0,
			pairs / team->size + 1)
		.cpu;
}

bool bench_threads(void)
{
	static const unsigned int size[] = { 1, 2, 8, 64, 512 };
	struct team team[ARRAY_SIZE(size)];
	struct percu_pool *pool = make_pool("bench-threads", OBJECT);
	struct contestant c[ARRAY_SIZE(size)] = { 0 };
	char name[ARRAY_SIZE(size)][64];

	for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
		team[i].size = size[i];
		team[i].pool = pool;
		team[i].crew = crew_start(size[i], false, NULL);
		snprintf(name[i], sizeof(name[i]), "a pair with %u threads",
			 size[i]);
		c[i].name = name[i];
		c[i].timed = turn;
		c[i].ctx = &team[i];
	}
	compare(c, ARRAY_SIZE(size), TURN_NS);
	rows_ns(c, ARRAY_SIZE(size));
	for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
		crew_stop(team[i].crew);
		snprintf(name[i], sizeof(name[i]), "%u threads / 2 threads",
			 size[i]);
		if (size[i] > 2)
			row_most(name[i], c[i].ns / c[1].ns, "x", BOUND);
	}
	percu_pool_destroy(pool);
	return true;
}
