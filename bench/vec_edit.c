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
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/alloc.h>
#include <percu/pool.h>
#include <percu/stats.h>

#include "bench/vec.h"

static const double COPY_BOUND = 1.5, LARGE_BOUND = 6, RETIRED_BOUND = 16,
		    GROWTH_BOUND = 2.5;

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
	die_of(percu_vec_init(&e->vec, NULL), "percu_vec_init");
	for (size_t i = 0; i < len; i += ARRAY_SIZE(objs))
		die_of(percu_vec_append_bulk(&e->vec, objs, ARRAY_SIZE(objs)),
		       "percu_vec_append_bulk");
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

static void *block;

static void copies(void *ctx, uint64_t iters)
{
	const struct edits *e = ctx;
	size_t bytes = e->len * sizeof(void *);

	while (iters--) {
		void *copy = percu_alloc(bytes);

		die_of(copy ? 0 : -ENOMEM, "percu_alloc");
		memcpy(copy, block, bytes);
		touch(copy);
		percu_free(block);
		block = copy;
	}
}

static void copies_rcu(void *ctx, uint64_t iters)
{
	const struct edits *e = ctx;
	size_t bytes = e->len * sizeof(void *);

	while (iters--) {
		void *copy = percu_alloc(bytes);

		die_of(copy ? 0 : -ENOMEM, "percu_alloc");
		memcpy(copy, block, bytes);
		touch(copy);
		percu_free_rcu(block);
		block = copy;
	}
}

static void flat_rows(void)
{
	struct edits e[] = {
		{ .fn = edits_single },
		{ .fn = copies, .len = SMALL },
		{ .fn = copies_rcu, .len = SMALL },
	};
	struct contestant c[] = {
		{ .name = "vec 1000: an edit", .units = 2 },
		{ .name = "alloc + memcpy of 1000 pointers + free" },
		{ .name = "alloc + memcpy of 1000 pointers + free_rcu" },
	};

	edits_open(&e[0], SMALL);
	block = percu_zalloc(SMALL * sizeof(void *));
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		c[i].timed = edits_timed;
		c[i].ctx = &e[i];
	}
	compare(c, ARRAY_SIZE(c), TURN_NS);
	rows_ns(c, ARRAY_SIZE(c));
	row_most("vec 1000: an edit / alloc + copy + free", c[0].ns / c[1].ns,
		 "x", COPY_BOUND);
	row_info("vec 1000: an edit / alloc + copy + free_rcu",
		 c[0].ns / c[2].ns, "x");
	percu_free(block);
	percu_vec_destroy(&e[0].vec);
}

/* From 10^3 to 10^7. ------------------------------------------------------------ */

/* Bytes put back so far; of large blocks that they are large is all we know. */
static double put_back(void)
{
	struct percu_memstats ms;
	double kb;

	percu_barrier();
	percu_memstats(&ms);
	kb = (double)ms.large_frees * KB_LARGE;
	for (size_t i = 0; i < ARRAY_SIZE(ms.by_size); i++)
		kb += (double)ms.by_size[i].frees * (double)ms.by_size[i].size /
		      KB;
	return kb;
}

static double retired_an_edit(struct edits *e)
{
	const unsigned int pairs = 1000;
	double before = put_back();

	edits_single(e, pairs);
	return (put_back() - before) / (2 * pairs);
}

enum {
	LENGTHS = 5, /* 10^3, ... */
};

static void length_rows(const struct contestant *c, struct edits *e)
{
	char name[80];

	rows_ns(c, LENGTHS);
	for (size_t i = 0; i < LENGTHS; i++) {
		snprintf(name, sizeof(name), "vec 10^%zu: an edit / log2(n)",
			 i + 3);
		row_info(name, c[i].ns / ((double)(i + 3) * 3.3219281), "ns");
	}
	for (size_t i = 0; i < LENGTHS; i++) {
		snprintf(name, sizeof(name), "vec 10^%zu: retired an edit",
			 i + 3);
		if (i == 3)
			row_most(name, retired_an_edit(&e[i]), "KiB",
				 RETIRED_BOUND);
		else
			row_info(name, retired_an_edit(&e[i]), "KiB");
	}
	row_most("vec 10^6: an edit", c[3].ns / 1000, "us", LARGE_BOUND);
	row_most("vec: an edit at 10^7 / at 10^4, for log2's ratio",
		 c[4].ns / c[1].ns / (7.0 / 4), "x", GROWTH_BOUND);
}

static void lengths(void)
{
	static struct edits e[LENGTHS];
	struct contestant c[LENGTHS];
	char name[LENGTHS][64];
	size_t len = 1000;

	for (size_t i = 0; i < LENGTHS; i++, len *= 10) {
		edits_open(&e[i], len);
		e[i].fn = edits_single;
		snprintf(name[i], sizeof(name[i]), "vec 10^%zu: an edit",
			 i + 3);
		c[i] = (struct contestant){ .name = name[i],
					    .timed = edits_timed,
					    .ctx = &e[i],
					    .units = 2 };
	}
	compare(c, LENGTHS, TURN_NS);
	length_rows(c, e);
	for (size_t i = 0; i < LENGTHS; i++)
		percu_vec_destroy(&e[i].vec);
}

void vec_edit(void)
{
	flat_rows();
	lengths();
}
