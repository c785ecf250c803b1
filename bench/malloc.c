/* SPDX-License-Identifier: MIT */
/*
 * bench/malloc.c - a pair of every size, from percu and every malloc at hand
 *
 * Each malloc has a process of its own, as two cannot live in one, and so has
 * percu behind a shared library's call.  All are told in turn to run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/pool.h>

#include "bench/bench.h"
#include "bench/calls.h"
#include "bench/cases.h"
#include "bench/loops.h"

/* The worker: "alloc alloc|sized|pool|limit SIZE". */
int work_alloc(char **args)
{
	size_t size = strtoul(args[1], NULL, 10);
	struct service s = { .fn = pair_alloc, .ctx = (void *)size };
	static char obj;

	if (!strcmp(args[0], "sized"))
		s.fn = pair_sized;
	if (!strcmp(args[0], "pool")) {
		s.fn = pair_pool;
		s.ctx = make_pool("bench-alloc", size);
		loop_keep(call_pool_get, s.ctx);
	} else if (!strcmp(args[0], "limit")) {
		s.fn = pair_limit;
		limit_put(&obj);
	} else {
		loop_keep(call_alloc, s.ctx);
	}
	return serve(&s);
}

enum {
	INLINED,
	OWN_WORKERS, /* the first of them */
	NR_OWN = 5
};

static const struct own {
	const char *name, *job;
	enum role role;
} own[NR_OWN] = {
	{ "pool, inlined", NULL, OURS },
	{ "limit", "limit", LIMIT },
	{ "pool", "pool", OURS },
	{ "alloc + free", "alloc", OURS },
	{ "alloc + free_sized", "sized", OURS },
};

static void start_own(struct contestant *c, const char *size)
{
	for (size_t i = 0; i < NR_OWN; i++) {
		const char *const args[] = {
			"percu-bench-shared", "worker", "alloc",
			own[i].job,           size,     NULL
		};

		c[i] = (struct contestant){ .name = own[i].name,
					    .role = own[i].role };
		if (i < OWN_WORKERS)
			continue;
		c[i].timed = worker_timed;
		c[i].ctx = worker_start(args, NULL);
	}
}

static void one_size(size_t bytes)
{
	struct contestant c[NR_OWN + NR_PEERS];
	struct percu_pool *pool = make_pool("bench-malloc", bytes);
	struct contest ct = {
		.name = "malloc",
		.what = "a get and a put, or malloc and free, on one thread",
		.x = (double)bytes,
		.axis = "bytes",
		.c = c,
		.turn_ns = 5 * MSEC,
	};
	struct peer peers[NR_PEERS];
	char size[16];
	size_t n;

	snprintf(size, sizeof(size), "%zu", bytes);
	start_own(c, size);
	c[INLINED].fn = pair_inlined;
	c[INLINED].ctx = pool;
	n = peers_start(peers, "pair", size);
	ct.n = peers_join(c, NR_OWN, peers, n);
	contest(&ct);
	for (size_t i = OWN_WORKERS; i < NR_OWN; i++)
		worker_stop(c[i].ctx);
	peers_stop(peers, n);
	percu_pool_destroy(pool);
}

bool case_malloc(void)
{
	static const size_t bytes[] = { 8,    16,   64,    256,  1024,
					4096, 8192, 16384, 32768 };

	pin_last();
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++)
		if (opt.scale == FULL || bytes[i] == OBJECT)
			one_size(bytes[i]);
	return true;
}
