/* SPDX-License-Identifier: MIT */
/*
 * bench/threads.c - what a get and put cost with more threads than CPUs
 *
 * Teams of 1 to 512 threads take turns on the same CPUs.  A turn is the same
 * number of pairs for each, dealt out evenly; what counts is the time on a CPU
 * that all members together have used, for a pair.  A cache that belongs to
 * CPUs has no reason to charge more when there are more threads.  The i-th
 * member of a team is pinned to the i-th CPU from the last, round and round.  Then the
 * same, to 64 threads a CPU, against every malloc.
 */
#include <stdio.h>

#include <percu/pool.h>

#include "bench/bench.h"
#include "bench/cases.h"
#include "bench/crew.h"
#include "bench/own_loops.h"

enum {
	TURN_NS = 60 * MSEC
};

struct team {
	unsigned int size;
	struct percu_pool *pool;
	struct crew *crew;
};

static uint64_t turn(void *ctx, uint64_t pairs)
{
	struct team *team = ctx;

	return crew_run(team->crew, own_loops("pool")->pair, team->pool, 0,
			pairs / team->size + 1)
		.cpu;
}

static void ours(void)
{
	static const unsigned int size[] = { 1, 2, 8, 64, 512 };
	static const struct pairing pairs[] = { { 2, 1, NULL },
						{ 3, 1, NULL },
						{ 4, 1, NULL } };
	struct team team[ARRAY_SIZE(size)];
	struct percu_pool *pool = make_pool("bench-threads", OBJECT);
	struct contestant c[ARRAY_SIZE(size)] = { 0 };
	char name[ARRAY_SIZE(size)][64];
	struct contest ct = { .name = "threads",
			      .what = "CPU time of a get and a put with more "
				      "threads than CPUs",
			      .x = NO_X,
			      .c = c,
			      .n = ARRAY_SIZE(c),
			      .pairs = pairs,
			      .nr_pairs = ARRAY_SIZE(pairs),
			      .turn_ns = TURN_NS };

	for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
		team[i].size = size[i];
		team[i].pool = pool;
		team[i].crew = crew_start(size[i], true, NULL);
		snprintf(name[i], sizeof(name[i]), "%u threads", size[i]);
		c[i].name = name[i];
		c[i].timed = turn;
		c[i].ctx = &team[i];
	}
	contest(&ct);
	for (size_t i = 0; i < ARRAY_SIZE(size); i++)
		crew_stop(team[i].crew);
	percu_pool_destroy(pool);
}

static void against_peers(unsigned int size)
{
	struct field f;
	struct contest ct = {
		.name = "threads-peers",
		.what = "CPU time of a get and a put by threads at once",
		.x = size,
		.axis = "threads",
		.c = f.c,
		.turn_ns = TURN_NS / 3,
	};
	char arg[16];

	snprintf(arg, sizeof(arg), "%u", size);
	field_start(&f, "lpam", "threads", OBJECT, arg);
	ct.n = f.n;
	contest(&ct);
	field_stop(&f);
}

bool case_threads(void)
{
	static const unsigned int a_cpu[] = { 1, 4, 16, 64 };

	ours();
	if (opt.scale == SHORT) {
		row_skip("threads-peers", "threads-peers", "not in short");
		return true;
	}
	if (cpus() > 1)
		against_peers(1);
	for (size_t i = 0; i < by_scale(ARRAY_SIZE(a_cpu), 0, 1); i++)
		against_peers(a_cpu[i] * cpus());
	return true;
}
