/* SPDX-License-Identifier: MIT */
/*
 * bench/malloc.c - a get and a put, from percu and every malloc at hand
 *
 * Each malloc has a process of its own, as two cannot live in one, and so has
 * percu behind a shared library's call.  All are told in turn to run.  Who can
 * be told the size that is freed is there a second time, with that call.
 *
 * percu inlined has no limit here, for the limit is behind a call, too: what an
 * inlined pair may cost is in pair.c.
 */
#include <stdio.h>
#include <string.h>

#include <percu/pool.h>

#include "bench/bench.h"
#include "bench/cases.h"
#include "bench/own_loops.h"

static void one_size(size_t bytes)
{
	struct percu_pool *pool = make_pool("bench-malloc", bytes);
	struct contestant c[ARRAY_SIZE(((struct field *)0)->c) + 1 + NR_PEERS];
	struct peer sized[NR_PEERS];
	char size[16];
	struct field f;
	size_t n;
	struct contest ct = {
		.name = "malloc",
		.what = "a get and a put, or malloc and free, on one thread",
		.x = (double)bytes,
		.axis = "bytes",
		.c = c,
		.turn_ns = 5 * MSEC,
	};

	field_start(&f, "lpasm", "pair", bytes, NULL);
	memcpy(c, f.c, f.n * sizeof(c[0]));
	c[f.n] = (struct contestant){ .name = "pool, inlined",
				      .role = OURS_INLINED,
				      .fn = pair_inlined,
				      .ctx = pool };
	snprintf(size, sizeof(size), "%zu", bytes);
	n = peers_start_sized(sized, "pair", size);
	ct.n = peers_join(c, f.n + 1, sized, n);
	contest(&ct);
	peers_stop(sized, n);
	field_stop(&f);
	percu_pool_destroy(pool);
}

bool case_malloc(void)
{
	static const size_t bytes[] = { 8,    16,   64,    256,  1024,
					4096, 8192, 16384, 32768 };

	pin_last();
	if (opt.scale != FULL)
		row_skip("malloc", "other sizes than 64 bytes", "not in short");
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
	size_t most = by_scale(1000000, 10000, 10000);

	pin_last();
	if (opt.scale != FULL)
		row_skip("sets", "more than 10^4 objects", "not in short");
	for (size_t n = 1; n <= most; n *= 10)
		one_set(n);
	return true;
}
