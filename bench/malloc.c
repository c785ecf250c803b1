/* SPDX-License-Identifier: MIT */
/*
 * bench/malloc.c - 64 bytes from percu and from every malloc at hand
 *
 * Each malloc has a process of its own, as two cannot live in one, and so has
 * percu behind a shared library's call.  All are told in turn to run.
 */
#include <stdio.h>
#include <string.h>

#include <percu/pool.h>

#include "bench/bench.h"
#include "bench/calls.h"
#include "bench/loops.h"

enum {
	INLINED,
	POOL,
	ALLOC,
	SIZED,
	NR_OWN
};

/* What a pool that the compiler sees into is good for. */
static const double INLINE_BOUND = 2.5;

/* The worker: "alloc alloc|sized|pool". */
int work_alloc(char **args)
{
	struct service s = { .fn = pair_alloc, .ctx = (void *)OBJECT };

	if (!strcmp(args[0], "sized"))
		s.fn = pair_sized;
	if (!strcmp(args[0], "pool")) {
		s.fn = pair_pool;
		s.ctx = make_pool("bench-alloc", OBJECT);
		loop_keep(call_pool_get, s.ctx);
	} else {
		loop_keep(call_alloc, s.ctx);
	}
	return serve(&s);
}

static struct worker *own(const char *what)
{
	const char *const args[] = { "percu-bench-shared", "worker", "alloc",
				     what, NULL };

	return worker_start(args, NULL);
}

static void report(const struct contestant *c, size_t n)
{
	size_t best = NR_OWN;

	for (size_t i = NR_OWN; i < n; i++)
		if (c[i].ns < c[best].ns)
			best = i;
	rows_ns(c, n);
	row_least("fastest malloc / pool, inlined", c[best].ns / c[INLINED].ns,
		  "x", INLINE_BOUND);
	row_info("fastest malloc / pool, shared call", c[best].ns / c[POOL].ns,
		 "x");
	row_info("fastest malloc / alloc + free, shared call",
		 c[best].ns / c[ALLOC].ns, "x");
	row_info("fastest malloc / alloc + free_sized, shared call",
		 c[best].ns / c[SIZED].ns, "x");
}

bool bench_malloc(void)
{
	struct contestant c[NR_OWN + NR_PEERS] = {
		{ .name = "percu: pool get + put, inlined",
		  .fn = pair_inlined },
		{ .name = "percu: pool get + put, shared call" },
		{ .name = "percu: alloc + free, shared call" },
		{ .name = "percu: alloc + free_sized, shared call" },
	};
	struct peer peers[NR_PEERS];
	size_t n;

	pin_last();
	c[INLINED].ctx = make_pool("bench-malloc", OBJECT);
	c[POOL].ctx = own("pool");
	c[ALLOC].ctx = own("alloc");
	c[SIZED].ctx = own("sized");
	n = NR_OWN + peers_start(peers, "pair");
	for (size_t i = POOL; i < n; i++) {
		c[i].timed = worker_timed;
		if (i >= NR_OWN) {
			c[i].name = peers[i - NR_OWN].name;
			c[i].ctx = peers[i - NR_OWN].worker;
		}
	}
	compare(c, n, 5 * MSEC);
	report(c, n);
	for (size_t i = POOL; i < NR_OWN; i++)
		worker_stop(c[i].ctx);
	peers_stop(peers, n - NR_OWN);
	percu_pool_destroy(c[INLINED].ctx);
	return true;
}
