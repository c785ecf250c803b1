/* SPDX-License-Identifier: MIT */
/*
 * bench/vec_edit.c - what an ordered insertion or removal costs
 *
 * Removals and insertions at random places take turns, so the length stays.
 * A flat vector cannot do with less than a copy of its block, so that is what
 * it is compared with: an allocation, a copy and a free.
 *
 * As it grows: an edit copies the path from the root to a leaf, and the path
 * grows with the logarithm of the length.  Time grows faster, for a long
 * vector's leaf is in no cache: 10^4 pointers fit where 10^7 never do.  Hence
 * the bound, in times of what the logarithms' ratio, 7 / 4, allows.
 *
 * What an edit has copied lies in the blocks that it took anew; how many bytes
 * those have is read from the counters, and so is how many it retired.  A block
 * that is cut in two, or two made one, differ in the two figures.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/alloc.h>
#include <percu/pool.h>
#include <percu/stats.h>

#include "bench/vec.h"

enum {
	TURN_NS = 10 * MSEC,
	KB_LARGE = 32, /* a block of no class is larger */
};

static char object;
void *const edits_object = &object;

void edits_open(struct edits *e, size_t len)
{
	void *objs[1000];

	for (size_t i = 0; i < ARRAY_SIZE(objs); i++)
		objs[i] = &object;
	e->len = len;
	e->seed = len;
	die_of(percu_vec_init(&e->vec, e->attr), "percu_vec_init");
	for (size_t i = 0, n; i < len; i += n) {
		n = len - i < ARRAY_SIZE(objs) ? len - i : ARRAY_SIZE(objs);
		die_of(percu_vec_append_bulk(&e->vec, objs, n),
		       "percu_vec_append_bulk");
	}
}

size_t edits_place(struct edits *e, size_t base)
{
	return e->near ? base + random_below(&e->seed, e->near) :
			 random_below(&e->seed, e->len);
}

void edits_single(void *ctx, uint64_t iters)
{
	struct edits *e = ctx;
	unsigned int pairs = e->batch / 2 + !e->batch;

	while (iters--) {
		size_t base = random_below(&e->seed, e->len - e->near);

		for (unsigned int i = 0; i < pairs; i++) {
			die_of(percu_vec_remove(&e->vec, edits_place(e, base)),
			       "percu_vec_remove");
			die_of(percu_vec_insert(&e->vec, edits_place(e, base),
						&object),
			       "percu_vec_insert");
		}
	}
}

uint64_t edits_timed(void *ctx, uint64_t iters)
{
	struct edits *e = ctx;
	uint64_t t;

	e->fn(e, iters / 8 + 1);
	t = wall_ns();
	e->fn(e, iters);
	t = wall_ns() - t;
	percu_barrier();
	return t;
}

/* Flat, against a copy. ------------------------------------------------------- */

void *edits_block;

static void copies(void *ctx, uint64_t iters)
{
	const struct edits *e = ctx;
	size_t bytes = e->len * sizeof(void *);

	while (iters--) {
		void *copy = percu_alloc(bytes);

		die_of(copy ? 0 : -ENOMEM, "percu_alloc");
		memcpy(copy, edits_block, bytes);
		touch(copy);
		percu_free(edits_block);
		edits_block = copy;
	}
}

void edits_copy(void *ctx, uint64_t iters)
{
	const struct edits *e = ctx;
	size_t bytes = e->len * sizeof(void *);

	while (iters--) {
		void *copy = percu_alloc(bytes);

		die_of(copy ? 0 : -ENOMEM, "percu_alloc");
		memcpy(copy, edits_block, bytes);
		touch(copy);
		percu_free_rcu(edits_block);
		edits_block = copy;
	}
}

void bench_vec_flat(struct table *none)
{
	struct edits e[] = {
		{ .fn = edits_single },
		{ .fn = copies, .len = SMALL },
		{ .fn = edits_copy, .len = SMALL },
	};
	struct contestant c[] = {
		{ .name = "edit", .role = OURS, .units = 2 },
		{ .name = "alloc + memcpy + free", .role = LIMIT },
		{ .name = "alloc + memcpy + free_rcu" },
	};
	static const struct pairing rcu = { 0, 2, NULL };
	struct contest ct = { .name = "vec-flat",
			      .what = "an ordered edit of 1000 pointers "
				      "against a copy of them",
			      .x = NO_X,
			      .c = c,
			      .n = ARRAY_SIZE(c),
			      .pairs = &rcu,
			      .nr_pairs = 1,
			      .turn_ns = TURN_NS };

	(void)none;
	edits_open(&e[0], SMALL);
	edits_block = percu_zalloc(SMALL * sizeof(void *));
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		c[i].timed = edits_timed;
		c[i].ctx = &e[i];
	}
	contest(&ct);
	percu_free(edits_block);
	percu_vec_destroy(&e[0].vec);
}

/* From 10^3 to 10^7. ------------------------------------------------------------ */

/* So far, in KiB; of large blocks that they are large is all we know. */
static struct edits_moved moved(void)
{
	struct percu_memstats ms;
	struct edits_moved m;

	percu_barrier();
	percu_memstats(&ms);
	m.taken = (double)ms.large_mallocs * KB_LARGE;
	m.retired = (double)ms.large_frees * KB_LARGE;
	for (size_t i = 0; i < ARRAY_SIZE(ms.by_size); i++) {
		double kb = (double)ms.by_size[i].size / KB;

		m.taken += (double)ms.by_size[i].mallocs * kb;
		m.retired += (double)ms.by_size[i].frees * kb;
	}
	return m;
}

struct edits_moved edits_moved(struct edits *e, unsigned int edits,
			       unsigned int iters)
{
	struct edits_moved before = moved(), after;

	e->fn(e, iters);
	after = moved();
	after.taken = (after.taken - before.taken) / edits / iters;
	after.retired = (after.retired - before.retired) / edits / iters;
	return after;
}

enum {
	LENGTHS = 5, /* 10^3, ... */
};

/* What is known of a length alone, so that it makes a curve. */
static void length_rows(const struct contest *ct, struct edits *e)
{
	for (size_t i = 0; i < ct->n; i++)
		row_figure(ct->name, (double)e[i].len, "edit",
			   ct->c[i].ns.mid / USEC, "us");
	for (size_t i = 0; i < ct->n; i++) {
		struct edits_moved m = edits_moved(&e[i], 2, 1000);

		row_figure(ct->name, (double)e[i].len, "retired an edit",
			   m.retired, "KiB");
		row_figure(ct->name, (double)e[i].len, "in new blocks an edit",
			   m.taken, "KiB");
	}
}

/* For the ratio of the logarithms: 7 / 4. */
static void growth_row(const struct contest *ct)
{
	struct estimate e = contest_ratio(ct, ct->pairs->a, ct->pairs->b);
	double grown = 7.0 / 4;

	e.mid /= grown;
	e.lo /= grown;
	e.hi /= grown;
	e.least /= grown;
	row_ratio("vec-edit", NO_X, "at 10^7 / at 10^4, for log2's ratio", &e,
		  "");
}

void bench_vec_edit(struct table *none)
{
	static struct edits e[LENGTHS];
	static const char *const name[LENGTHS] = { "10^3", "10^4", "10^5",
						   "10^6", "10^7" };
	static const struct pairing pair = { LENGTHS - 1, 1, NULL };
	struct contestant c[LENGTHS];
	struct contest ct = {
		.name = "vec-edit",
		.what = "an ordered edit, by length",
		.x = NO_X,
		.axis = "slots",
		.c = c,
		.n = LENGTHS,
		.pairs = &pair, /* it goes on until that is known */
		.nr_pairs = 1,
		.turn_ns = TURN_NS
	};
	size_t len = 1000;

	(void)none;
	for (size_t i = 0; i < ct.n; i++, len *= 10) {
		edits_open(&e[i], len);
		e[i].fn = edits_single;
		c[i] = (struct contestant){ .name = name[i],
					    .timed = edits_timed,
					    .ctx = &e[i],
					    .units = 2 };
	}
	contest_run(&ct);
	contest_rows(&ct);
	growth_row(&ct);
	length_rows(&ct, e);
	contest_end(&ct);
	for (size_t i = 0; i < ct.n; i++)
		percu_vec_destroy(&e[i].vec);
}
