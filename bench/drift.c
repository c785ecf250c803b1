/* SPDX-License-Identifier: MIT */
/*
 * bench/drift.c - fragmentation, when what a program wants changes
 *
 * The same random life as in churn.c, but the sizes shift: in each phase other
 * ones, four mixes in turn, with as many bytes live.  A tenth of each phase's
 * blocks outlives it, strewn over the memory that the next phase could use.
 * Nobody is told to give anything back.
 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/cases.h"

enum {
	PHASES = 12
};

static double ask(struct worker *w, const char *what)
{
	return (double)worker_ask(w, what, 0);
}

static void live_on(const char *who, struct worker *w)
{
	uint64_t bytes = by_scale(100, 30, 1) * 1000000;
	double base = ask(w, "rss"), worst = 0;
	char name[ROW_NAME];

	for (unsigned int i = 0; i < by_scale(PHASES, 6, 4); i++) {
		double x;

		worker_ask(w, "mix", i);
		worker_ask(w, "drift", bytes);
		x = (ask(w, "rss") - base) / ask(w, "live");
		worst = x > worst ? x : worst;
		row_figure("drift", i + 1, who, x, "x");
	}
	snprintf(name, sizeof(name), "%s, at worst", who);
	row_figure("drift", NO_X, name, worst, "x");
}

bool case_drift(void)
{
	const char *const args[] = { "percu-bench-shared", "worker", "churn",
				     NULL };
	struct worker *w = worker_start(args, NULL);
	struct peer peers[NR_PEERS];
	size_t n = peers_start(peers, "churn", NULL, NULL);

	row_title("drift", "resident / asked for, while sizes shift", "phase");
	live_on("percu", w);
	for (size_t i = 0; i < n; i++)
		live_on(peers[i].name, peers[i].worker);
	worker_stop(w);
	peers_stop(peers, n);
	return true;
}
