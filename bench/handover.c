/* SPDX-License-Identifier: MIT */
/*
 * bench/handover.c - what is got on one CPU and put on another
 *
 * Objects pile up where they are put and run out where they are got; what
 * brings them back is the depot, a magazine at a time.  Besides the speed it
 * is counted how many objects a visit there brings, and seen to that memory
 * does not grow with the objects that went through.
 *
 * The limit hands over the same few blocks for ever: what is left when the
 * allocator costs nothing.
 *
 * Worse than one producer and one consumer is only that all are both.
 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/cases.h"

/* What the pool's worker says of itself, and how it grew since before. */
static void report_pool(struct worker *pool, size_t before)
{
	double gets = (double)worker_ask(pool, "gets", 0);
	double misses = (double)worker_ask(pool, "misses", 0);
	double grown = (double)worker_ask(pool, "rss", 0) - (double)before;

	row_figure("handover", NO_X, "pool: objects passed", gets / 1e6, "M");
	row_figure("handover", NO_X, "pool: objects a visit to the depot",
		   misses > 0 ? gets / misses : gets, "");
	row_figure("handover", NO_X, "pool: resident memory grew by",
		   grown / MB, "MiB");
}

/* As many for all: threads take a while to meet, and that would be measured. */
static void objects_a_turn(struct contest *ct, struct field *f)
{
	for (size_t i = 0; i < f->n; i++)
		f->c[i].iters = by_scale(200000, 100000, 2000);
	ct->n = f->n;
}

bool case_handover(void)
{
	enum {
		POOL = 1 /* among "lpam" */
	};
	struct field f;
	struct contest ct = { .name = "handover",
			      .what = "got on one CPU, put on another",
			      .x = NO_X,
			      .c = f.c };
	size_t before;

	if (cpus() < 2) {
		row_skip("handover", "handover", "one CPU");
		return true;
	}
	field_start(&f, "lpam", "handover", OBJECT, NULL);
	worker_timed(field_worker(&f, POOL), by_scale(200000, 200000, 1000));
	before = worker_ask(field_worker(&f, POOL), "rss", 0);
	objects_a_turn(&ct, &f);
	contest(&ct);
	report_pool(field_worker(&f, POOL), before);
	field_stop(&f);
	return true;
}

/* Each thread puts what all the others have got. */
bool case_exchange(void)
{
	struct field f;
	struct contest ct = { .name = "exchange",
			      .what = "as many threads as CPUs, each puts what "
				      "all others got",
			      .x = NO_X,
			      .c = f.c };
	char arg[16];

	if (cpus() < 2) {
		row_skip("exchange", "exchange", "one CPU");
		return true;
	}
	snprintf(arg, sizeof(arg), "%u", cpus());
	field_start(&f, "lpam", "exchange", OBJECT, arg);
	objects_a_turn(&ct, &f);
	contest(&ct);
	field_stop(&f);
	return true;
}
