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

static const double BATCH_BOUND = 0.5;

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

static void rows(const char *n, size_t len, size_t near)
{
	static const unsigned int size[] = { 64, 16, 64, 256 };
	const char *where = near ? "neighbours" : "random";
	struct edits e[ARRAY_SIZE(size)] = { 0 };
	struct contestant c[ARRAY_SIZE(size)];
	char name[ARRAY_SIZE(size)][64];

	for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
		edits_open(&e[i], len);
		e[i].batch = size[i];
		e[i].near = near;
		e[i].fn = i ? batches : edits_single;
		snprintf(name[i], sizeof(name[i]),
			 i ? "vec %s: an edit, %s, in a batch of %u" :
			     "vec %s: an edit, %s",
			 n, where, size[i]);
		c[i] = (struct contestant){ .name = name[i],
					    .timed = edits_timed,
					    .ctx = &e[i],
					    .units = size[i] };
	}
	compare(c, ARRAY_SIZE(c), TURN_NS);
	rows_ns(c, ARRAY_SIZE(c));
	for (size_t i = 1; i < ARRAY_SIZE(size); i++) {
		snprintf(name[i], sizeof(name[i]),
			 "vec %s: an edit, %s, in a batch of %u / alone", n,
			 where, size[i]);
		row_most(name[i], c[i].ns / c[0].ns, "x", BATCH_BOUND);
	}
	for (size_t i = 0; i < ARRAY_SIZE(size); i++)
		percu_vec_destroy(&e[i].vec);
}

void vec_batch(void)
{
	rows("1000", SMALL, 0);
	rows("10^6", LARGE, 0);
	rows("10^6", LARGE, NEAR);
}
