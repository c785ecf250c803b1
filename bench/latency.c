/* SPDX-License-Identifier: MIT */
/*
 * bench/latency.c - the slowest of many gets
 *
 * Each get by itself against the time-stamp counter; 1 to 64 objects are out.
 * First in peace, then while another thread gives back what is idle, again and
 * again: percu_age(), and each malloc's own call for that, which may reach less:
 * malloc_main.c says what.  The limit gets
 * nothing: what it shows is the clock, and how often the machine looked away.
 *
 * A percentile is taken of each round; what counts is the rounds' median.  The
 * tail is that of all rounds, without what warmed up before them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/cases.h"
#include "bench/histogram.h"

enum {
	ROUNDS = 15
};

static const struct {
	const char *name;
	unsigned int of; /* a million */
} centiles[] = {
	{ "p50", 500000 },
	{ "p99", 990000 },
	{ "p99.9", 999000 },
	{ "p99.99", 999900 },
};

static double ns_of(struct worker *w, const char *what, uint64_t arg)
{
	return (double)worker_ask(w, what, arg) / 100;
}

static void centile_rows(const char *group, const char *who, enum role role,
			 double v[][ROUNDS], size_t rounds)
{
	for (size_t i = 0; i < ARRAY_SIZE(centiles); i++) {
		struct estimate e = estimate(v[i], rounds);

		row_of_each(group, NO_X, who, centiles[i].name, &e, "ns", role);
	}
}

/* The pool's beside that of the best peer, of each round's median. */
static void against_peers(const char *group, const struct field *f,
			  double v[][ARRAY_SIZE(centiles)][ROUNDS],
			  size_t rounds)
{
	enum {
		POOL = 1 /* among "lpam" */
	};
	char name[ROW_NAME];

	for (size_t k = 0; k < ARRAY_SIZE(centiles); k++) {
		double best = HUGE_VAL;

		for (size_t i = f->nr_own; i < f->n; i++)
			best = fmin(best, estimate(v[i][k], rounds).mid);
		snprintf(name, sizeof(name), "%s / best peer",
			 centiles[k].name);
		row_figure(group, NO_X, name,
			   estimate(v[POOL][k], rounds).mid / best, "x");
	}
}

static void buckets(const char *group, const char *who, struct worker *w)
{
	for (unsigned int i = 0; i < 40 * EIGHTHS; i++) {
		double n = (double)worker_ask(w, "in", i);

		if (n > 0)
			row_bucket(group, ns_of(w, "from", i), who, n);
	}
}

static void measure(const char *group, const char *what, bool ageing)
{
	size_t rounds = by_scale(ROUNDS, 7, 2);
	static double v[8 + NR_PEERS][ARRAY_SIZE(centiles)][ROUNDS];
	struct field f;

	row_title(group, what, "");
	field_start(&f, "lpam", "latency", OBJECT, NULL);
	for (size_t i = 0; i < f.n; i++) {
		worker_ask(field_worker(&f, i), "run",
			   by_scale(20000, 20000, 100));
		worker_ask(field_worker(&f, i), "forget", 0);
		worker_ask(field_worker(&f, i), "age", ageing);
	}
	for (size_t r = 0; r < rounds; r++) {
		for (size_t i = 0; i < f.n; i++) {
			struct worker *w = field_worker(&f, (i + r) % f.n);

			worker_ask(w, "run", by_scale(200000, 100000, 1000));
			for (size_t k = 0; k < ARRAY_SIZE(centiles); k++)
				v[(i + r) % f.n][k][r] =
					ns_of(w, "of", centiles[k].of);
		}
	}
	for (size_t i = 0; i < f.n; i++) {
		centile_rows(group, f.c[i].name, f.c[i].role, v[i], rounds);
		buckets(group, f.c[i].name, field_worker(&f, i));
	}
	against_peers(group, &f, v, rounds);
	field_stop(&f);
}

bool case_latency(void)
{
	measure("latency", "a get of 64 bytes by itself", false);
	measure("latency-ageing",
		"the same while what is idle is given back all the time", true);
	row_remark("latency-ageing",
		   "mimalloc: mi_collect() reaches the calling thread's heap, "
		   "which is not that of the gets");
	return true;
}
