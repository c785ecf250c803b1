/* SPDX-License-Identifier: MIT */
/*
 * bench/drift.c - fragmentation, when what a program wants changes
 *
 * The same random life as in churn.c, but the sizes shift: in each phase other
 * ones, four mixes in turn, with as many bytes live.  A tenth of each phase's
 * blocks outlives it, strewn over the memory that the next phase could use.
 * Nobody is told to give anything back.
 */
#include "bench/bench.h"
#include "bench/cases.h"

enum {
	PHASES = 12
};

static void figure(double x, const char *who, const char *what, double figure,
		   enum role role)
{
	const struct estimate e = once(figure);

	row_of_each("drift", x, who, what, &e, "x", role);
}

static double live_on(const char *who, struct worker *w, enum role role)
{
	uint64_t bytes = by_scale(100, 30, 1) * 1000000;
	double base = worker_figure(w, "rss"), worst = 0;

	for (unsigned int i = 0; i < by_scale(PHASES, 6, 4); i++) {
		double x;

		worker_ask(w, "mix", i);
		worker_ask(w, "drift", bytes);
		x = (worker_figure(w, "rss") - base) / worker_figure(w, "live");
		worst = x > worst ? x : worst;
		figure(i + 1, who, "resident", x, role);
	}
	figure(NO_X, who, "resident at worst", worst, role);
	return worst;
}

bool case_drift(void)
{
	const char *const args[] = { "percu-bench-shared", "worker", "churn",
				     NULL };
	double ours, best = HUGE_VAL;
	struct peer peers[NR_PEERS];
	struct worker *w;
	size_t n;

	pin_last(); /* and with it all that it starts */
	w = worker_start(args, NULL);
	n = peers_start(peers, "churn", NULL, NULL);
	row_title("drift", "resident / asked for, while sizes shift", "phase");
	ours = live_on("percu", w, OURS);
	for (size_t i = 0; i < n; i++)
		best = fmin(best,
			    live_on(peers[i].name, peers[i].worker, PEER));
	row_figure("drift", NO_X, "at worst: percu / best peer", ours / best,
		   "x");
	worker_stop(w);
	peers_stop(peers, n);
	return true;
}
