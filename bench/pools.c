/* SPDX-License-Identifier: MIT */
/*
 * bench/pools.c - what a get and put cost when there are many pools
 *
 * A process for each number of pools, all of them in use: an object has come
 * from each and gone back.  Then one of them is measured, and in passing a
 * walk over a hundred, which is bounded by the cache and not by percu.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/calls.h"
#include "bench/cases.h"
#include "bench/own_loops.h"

enum {
	WALK = 100
};

static void walk(void *ctx, uint64_t iters)
{
	struct percu_pool **pools = ctx;

	for (uint64_t i = 0; iters--; i = i + 1 < WALK ? i + 1 : 0) {
		void *p = percu_pool_get(pools[i]);

		touch(p);
		percu_pool_put(pools[i], p);
	}
}

/* The worker: "pools N walk|one". */
int work_pools(char **args)
{
	size_t n = strtoul(args[0], NULL, 10);
	struct percu_pool **pools = calloc(n, sizeof(*pools));
	struct service s = { .fn = own_loops("pool")->pair };

	if (!pools)
		return 1;
	for (size_t i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "bench-%zu", i);
		pools[i] = make_pool(name, OBJECT);
		s.fn(pools[i], 1);
	}
	s.ctx = pools[n / 2];
	if (args[1][0] == 'w') {
		s.fn = walk;
		s.ctx = pools;
	}
	return serve(&s);
}

static void start(struct contestant *c, const char *name, const char *n,
		  const char *what)
{
	const char *const args[] = { "percu-bench", "worker", "pools", n,
				     what,          NULL };

	*c = (struct contestant){ .name = name, .timed = worker_timed };
	c->ctx = worker_start(args, NULL);
}

bool case_pools(void)
{
	static const struct pairing pairs[] = { { 1, 0, NULL },
						{ 2, 0, NULL } };
	struct contestant c[4];
	struct contest ct = { .name = "pools",
			      .what = "a get and a put of one of many pools",
			      .x = NO_X,
			      .c = c,
			      .n = ARRAY_SIZE(c),
			      .pairs = pairs,
			      .nr_pairs = ARRAY_SIZE(pairs),
			      .turn_ns = 5 * MSEC };

	pin_last();
	start(&c[0], "1 pool", "1", "one");
	start(&c[1], "100 pools", "100", "one");
	start(&c[2], "10000 pools", "10000", "one");
	start(&c[3], "100 pools in turn", "100", "walk");
	contest(&ct);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		worker_stop(c[i].ctx);
	return true;
}
