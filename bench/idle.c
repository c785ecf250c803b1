/* SPDX-License-Identifier: MIT */
/*
 * bench/idle.c - what threads leave behind when they sleep
 *
 * Each has got a thousand objects and put them back, and waits.  A cache that
 * grows with threads has ten million objects for ten thousand of them; percu's
 * has what its budget allows, as a run on a small one shows.  What the threads
 * themselves occupy is what as many occupy that did nothing.  They run where
 * the kernel puts them, percu's and all others' alike: nothing is timed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/cases.h"

enum {
	CPU_BUDGET = 256 * KB,
	DEPOT_BUDGET = 512 * KB
};
enum {
	NOTHING,
	POOL /* among "np" */
};

static void start(struct field *f, const char *who, unsigned int threads)
{
	char arg[16];

	snprintf(arg, sizeof(arg), "%u", threads);
	field_start(f, who, "idle", OBJECT, arg);
}

static double ask(const struct field *f, size_t i, const char *what)
{
	return (double)worker_ask(field_worker(f, i), what, 0);
}

/* What a process of that many threads has which get nothing at all. */
static double bare(const char *program, unsigned int threads)
{
	char arg[16];
	const char *const ours[] = { program, "worker", "field", "nothing",
				     "idle",  "64",     arg,     NULL };
	const char *const theirs[] = { program, "bare", "64", arg, NULL };
	struct worker *w;
	double resident;

	snprintf(arg, sizeof(arg), "%u", threads);
	w = worker_start(strstr(program, "malloc") ? theirs : ours, NULL);
	resident = (double)worker_ask(w, "rss", 0);
	worker_stop(w);
	return resident;
}

/* A thread of percu's and of every malloc's, beyond one that gets nothing. */
static void a_thread(void)
{
	unsigned int n = (unsigned int)by_scale(1000, 100, 50);
	double ours =
		bare("percu-bench-shared", n) - bare("percu-bench-shared", 2);
	double theirs =
		bare("percu-bench-malloc", n) - bare("percu-bench-malloc", 2);
	struct field few, many;

	start(&few, "pam", 2);
	start(&many, "pam", n);
	for (size_t i = 0; i < many.n; i++) {
		double held = ask(&many, i, "rss") - ask(&few, i, "rss");
		struct estimate e;

		held -= i < many.nr_linked ? ours : theirs;
		e = once(held / (n - 2) / KB);
		row_of_each("idle", NO_X, many.c[i].name, "held by a thread",
			    &e, "KiB", many.c[i].role);
	}
	field_stop(&many);
	field_stop(&few);
}

/* The library's own budgets are no part of its interface: so, these. */
static double cached_on_budget(unsigned int threads)
{
	char budget[64];
	struct field f;
	double cached;

	snprintf(budget, sizeof(budget), "cpu_cache:%d,depot_cache:%d",
		 (int)CPU_BUDGET, (int)DEPOT_BUDGET);
	setenv("PERCU", budget, 1);
	start(&f, "np", threads);
	cached = ask(&f, POOL, "cached");
	field_stop(&f);
	unsetenv("PERCU");
	return cached;
}

/* Resident beyond what the threads themselves occupy. */
static double leave(unsigned int threads)
{
	struct field f;
	double resident;

	start(&f, "np", threads);
	resident = ask(&f, POOL, "rss") - ask(&f, NOTHING, "rss");
	row_figure("idle", threads, "resident", resident / MB, "MiB");
	row_figure("idle", threads, "cached", ask(&f, POOL, "cached") / MB,
		   "MiB");
	row_figure("idle", threads, "in idle pages", ask(&f, POOL, "idle") / MB,
		   "MiB");
	field_stop(&f);
	return resident;
}

bool case_idle(void)
{
	unsigned int n = (unsigned int)by_scale(10000, 1000, 50);
	double budget = (double)cpus() * CPU_BUDGET + DEPOT_BUDGET;
	double few;

	row_title("idle",
		  "what threads that sleep leave behind, each after 1000 gets "
		  "and puts",
		  "threads");
	few = leave(2);
	row_figure("idle", NO_X, "resident beyond what 2 threads leave",
		   (leave(n) - few) / MB, "MiB");
	row_figure("idle", NO_X, "cached / budget",
		   cached_on_budget(n) / budget, "x");
	a_thread();
	return true;
}
