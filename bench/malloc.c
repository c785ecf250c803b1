/* SPDX-License-Identifier: MIT */
/*
 * bench/malloc.c - a get and a put, from percu and every malloc at hand
 *
 * Each malloc has a process of its own, as two cannot live in one, and so has
 * percu behind a shared library's call.  All are told in turn to run.
 */
#include <stdio.h>

#include <percu/pool.h>

#include "bench/bench.h"
#include "bench/cases.h"
#include "bench/own_loops.h"

static void one_size(size_t bytes)
{
	struct percu_pool *pool = make_pool("bench-malloc", bytes);
	struct field f;
	struct contest ct = {
		.name = "malloc",
		.what = "a get and a put, or malloc and free, on one thread",
		.x = (double)bytes,
		.axis = "bytes",
		.c = f.c,
		.turn_ns = 5 * MSEC,
	};

	field_start(&f, "lpasm", "pair", bytes, NULL);
	f.c[f.n] = (struct contestant){ .name = "pool, inlined",
					.role = OURS,
					.fn = pair_inlined,
					.ctx = pool };
	ct.n = f.n + 1;
	contest(&ct);
	field_stop(&f);
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

/* As many as that are out at once, and no cache holds them all. */
static void one_set(size_t n)
{
	struct field f;
	struct contest ct = {
		.name = "sets",
		.what = "n objects of 64 bytes got and written, then put: one",
		.x = (double)n,
		.axis = "objects",
		.c = f.c,
		.turn_ns = 5 * MSEC,
	};
	char arg[16];

	snprintf(arg, sizeof(arg), "%zu", n);
	field_start(&f, "lpam", "set", OBJECT, arg);
	for (size_t i = 0; i < f.n; i++)
		f.c[i].units = (unsigned int)n;
	ct.n = f.n;
	contest(&ct);
	field_stop(&f);
}

bool case_sets(void)
{
	size_t most = by_scale(1000000, 10000, 100);

	pin_last();
	for (size_t n = 1; n <= most; n *= 10)
		one_set(n);
	return true;
}
