/* SPDX-License-Identifier: MIT */
/*
 * bench/vec_batch.c - many edits in one publication
 *
 * Removals and insertions in turn, as in vec_edit.c, at random places, and
 * near each other: of a tree the edits of one batch then share their leaf.
 */
#include <stdio.h>
#include <string.h>

#include "bench/vec.h"

enum {
	TURN_NS = 5 * MSEC,
	NEAR = 64, /* slots */
};

static void batches(void *ctx, uint64_t iters)
{
	struct edits *e = ctx;
	struct percu_vec_batch b;

	while (iters--) {
		size_t base = random_below(&e->seed, e->len - e->near);

		die_of(percu_vec_batch_begin(&b, &e->vec),
		       "percu_vec_batch_begin");
		for (unsigned int i = 0; i < e->batch; i += 2) {
			die_of(percu_vec_batch_remove(&b, edits_place(e, base)),
			       "percu_vec_batch_remove");
			die_of(percu_vec_batch_insert(&b, edits_place(e, base),
						      edits_object),
			       "percu_vec_batch_insert");
		}
		die_of(percu_vec_batch_commit(&b), "percu_vec_batch_commit");
	}
}

static void size_rows(size_t len, size_t near)
{
	static const unsigned int size[] = { 64, 16, 64, 256 };
	static const char *const name[] = { "alone", "in a batch of 16",
					    "in a batch of 64",
					    "in a batch of 256" };
	static const struct pairing pairs[] = { { 1, 0, NULL },
						{ 2, 0, NULL },
						{ 3, 0, NULL } };
	struct edits e[ARRAY_SIZE(size)] = { 0 };
	struct contestant c[ARRAY_SIZE(size)];
	struct contest ct = {
		.name = near ? "vec-batch-near" : "vec-batch",
		.what = near ? "an edit, among neighbours" :
			       "an edit at a random place",
		.x = (double)len,
		.axis = "slots",
		.c = c,
		.n = ARRAY_SIZE(c),
		.pairs = pairs,
		.nr_pairs = ARRAY_SIZE(pairs),
		.turn_ns = TURN_NS,
	};

	for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
		edits_open(&e[i], len);
		e[i].batch = size[i];
		e[i].near = near;
		e[i].fn = i ? batches : edits_single;
		c[i] = (struct contestant){ .name = name[i],
					    .timed = edits_timed,
					    .ctx = &e[i],
					    .units = size[i] };
	}
	contest(&ct);
	for (size_t i = 0; i < ARRAY_SIZE(size); i++)
		percu_vec_destroy(&e[i].vec);
}

void bench_vec_batch(struct table *none)
{
	(void)none;
	size_rows(SMALL, 0);
	size_rows(LARGE, 0);
	size_rows(LARGE, NEAR);
}
