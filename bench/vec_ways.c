/* SPDX-License-Identifier: MIT */
/*
 * bench/vec_ways.c - every way to change a vector, by length
 *
 * Each way takes the vector back to the length that it had, so that what is
 * timed does not drift: most are pairs of edits, and count as two.  Beside
 * them is what one writes by hand: a whole copy, published, and the old array
 * freed after its readers.  Beside the time is what an edit has put into new
 * blocks, most of it copied, and what it has retired: see vec_edit.c.
 */
#include <errno.h>
#include <stdio.h>

#include <percu/alloc.h>

#include "bench/vec.h"

enum {
	TURN_NS = 4 * MSEC,
	MOST_COPIED = 1000000 /* a copy of more takes longer than a turn */
};

static void *obj(void)
{
	return edits_object;
}

static size_t place(struct edits *e)
{
	return edits_place(e, 0);
}

static void append_pop(void *ctx, uint64_t iters)
{
	struct edits *e = ctx;

	while (iters--) {
		die_of(percu_vec_append(&e->vec, obj()), "percu_vec_append");
		die_of(percu_vec_remove(&e->vec, e->len), "percu_vec_remove");
	}
}

static void swap_append(void *ctx, uint64_t iters)
{
	struct edits *e = ctx;

	while (iters--) {
		die_of(percu_vec_remove_swap(&e->vec, place(e)),
		       "percu_vec_remove_swap");
		die_of(percu_vec_append(&e->vec, obj()), "percu_vec_append");
	}
}

static void nil_replace(void *ctx, uint64_t iters)
{
	struct edits *e = ctx;

	while (iters--) {
		size_t i = place(e);

		die_of(percu_vec_remove_nil(&e->vec, i),
		       "percu_vec_remove_nil");
		die_of(percu_vec_replace(&e->vec, i, obj()),
		       "percu_vec_replace");
	}
}

static void replace(void *ctx, uint64_t iters)
{
	struct edits *e = ctx;

	while (iters--)
		die_of(percu_vec_replace(&e->vec, place(e), obj()),
		       "percu_vec_replace");
}

static void exact_append(void *ctx, uint64_t iters)
{
	struct edits *e = ctx;

	while (iters--) {
		die_of(percu_vec_remove_exact(&e->vec, place(e)),
		       "percu_vec_remove_exact");
		die_of(percu_vec_append(&e->vec, obj()), "percu_vec_append");
	}
}

static const struct percu_vec_attr in_place = { .flags = PERCU_VEC_INPLACE };

static const struct way {
	const char *name;
	void (*fn)(void *edits, uint64_t iters);
	unsigned int units;
	const struct percu_vec_attr *attr;
} ways[] = {
	{ "remove, insert", edits_single, 2, NULL },
	{ "append, remove the last", append_pop, 2, NULL },
	{ "remove_swap, append", swap_append, 2, NULL },
	{ "remove_swap in place, append", swap_append, 2, &in_place },
	{ "remove_nil, replace", nil_replace, 2, NULL },
	{ "replace", replace, 1, NULL },
	{ "replace in place", replace, 1, &in_place },
	{ "remove_exact, append", exact_append, 2, NULL },
	{ "a copy by hand", edits_copy, 1, NULL },
};

enum {
	WAYS = ARRAY_SIZE(ways),
	BY_HAND = WAYS - 1
};

static void moved_rows(const struct contest *ct, struct edits *e)
{
	size_t most = 10 * MOST_COPIED / (size_t)ct->x + 10;
	unsigned int iters = most < 1000 ? (unsigned int)most : 1000;
	char name[ROW_NAME];

	for (size_t i = 0; i < BY_HAND; i++) {
		struct edits_moved m = edits_moved(&e[i], ways[i].units, iters);

		snprintf(name, sizeof(name), "%s: retired an edit",
			 ways[i].name);
		row_figure(ct->name, ct->x, name, m.retired, "KiB");
		snprintf(name, sizeof(name), "%s: in new blocks an edit",
			 ways[i].name);
		row_figure(ct->name, ct->x, name, m.taken, "KiB");
	}
}

static void one_length(size_t len)
{
	static const struct pairing pair = { BY_HAND, 0,
					     "a copy by hand / an edit" };
	struct edits e[WAYS] = { 0 };
	struct contestant c[WAYS];
	bool by_hand = len <= MOST_COPIED;
	struct contest ct = { .name = "vec-ways",
			      .what = "an edit, of every kind",
			      .x = (double)len,
			      .axis = "slots",
			      .c = c,
			      .n = WAYS - !by_hand,
			      .pairs = &pair,
			      .nr_pairs = by_hand,
			      .turn_ns = TURN_NS };

	for (size_t i = 0; i < WAYS; i++) {
		e[i].fn = ways[i].fn;
		e[i].attr = ways[i].attr;
		e[i].len = len;
		if (i != BY_HAND)
			edits_open(&e[i], len);
		c[i] = (struct contestant){ .name = ways[i].name,
					    .role = i == BY_HAND ? PEER : OURS,
					    .timed = edits_timed,
					    .ctx = &e[i],
					    .units = ways[i].units };
	}
	edits_block = percu_zalloc(len * sizeof(void *));
	die_of(edits_block ? 0 : -ENOMEM, "percu_zalloc");
	contest(&ct);
	if (!by_hand)
		row_skip("vec-ways", "a copy by hand at 10^7",
			 "one takes longer than a turn");
	moved_rows(&ct, e);
	percu_free(edits_block);
	for (size_t i = 0; i < BY_HAND; i++)
		percu_vec_destroy(&e[i].vec);
}

void bench_vec_ways(struct table *none)
{
	size_t most = by_scale(10000000, 10000, 10000);

	(void)none;
	if (opt.scale != FULL)
		row_skip("vec-ways", "more than 10^4 slots", "not in short");
	for (size_t len = 10; len <= most; len *= 10)
		one_length(len);
}
