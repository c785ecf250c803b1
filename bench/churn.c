/* SPDX-License-Identifier: MIT */
/*
 * bench/churn.c - what is resident for what is asked for
 *
 * After millions of random operations: resident bytes for each byte that the
 * program asked for, caches, rounding and the allocator's own records
 * included.  Then all is freed, two ageing cycles pass, and the memory is
 * back with the system.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/alloc.h>
#include <percu/pool.h>
#include <percu/stats.h>

#include "bench/bench.h"
#include "bench/cases.h"
#include "bench/churn.h"

enum {
	SAMPLES = 20
};

/* The worker's side: what the statistics say. */
static uint64_t stats_answer(void *ctx, const char *what, uint64_t arg)
{
	struct percu_memstats ms;
	const struct {
		const char *what;
		const uint64_t *is;
	} fields[] = {
		{ "alloc", &ms.alloc },
		{ "cached", &ms.cached },
		{ "meta_sys", &ms.meta_sys },
		{ "heap_sys", &ms.heap_sys },
		{ "heap_inuse", &ms.heap_inuse },
		{ "heap_released", &ms.heap_released },
	};

	(void)ctx;
	(void)arg;
	if (!strcmp(what, "age"))
		return percu_age();
	percu_memstats(&ms);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(what, fields[i].what))
			return *fields[i].is;
	abort();
}

int work_churn(char **args)
{
	const struct churn c = { percu_alloc, percu_free, stats_answer };

	(void)args;
	return serve_churn(&c);
}

/* The case's side. */

struct life {
	double base, full, end; /* resident bytes: before, with all, without */
	double last, worst;     /* resident for a byte asked for */
	double ns;              /* an operation */
};

static void live_on(struct worker *w, struct life *life)
{
	uint64_t ops = by_scale(10000000, 1000000, 10000) / SAMPLES;
	double ns = 0;

	life->base = worker_figure(w, "rss");
	worker_ask(w, "fill", by_scale(100, 100, 2) * 1000000);
	for (int i = 0; i < SAMPLES; i++) {
		ns += (double)worker_ask(w, "churn", ops);
		life->full = worker_figure(w, "rss");
		life->last =
			(life->full - life->base) / worker_figure(w, "live");
		if (life->last > life->worst)
			life->worst = life->last;
	}
	life->ns = ns / (double)ops / SAMPLES;
}

static void figure(const char *who, const char *what, double figure,
		   const char *unit)
{
	const struct estimate e = once(figure);

	row_of_each("churn", NO_X, who, what, &e, unit,
		    strcmp(who, "percu") ? PEER : OURS);
}

static void report_life(const char *who, const struct life *life)
{
	figure(who, "an operation", life->ns, "ns");
	figure(who, "resident / asked for, at worst", life->worst, "x");
	figure(who, "resident / asked for, at the end", life->last, "x");
}

static void report_end(struct worker *w, const struct life *life)
{
	figure("percu", "allocated with rounding / asked for",
	       worker_figure(w, "alloc") / worker_figure(w, "live"), "x");
	figure("percu", "in spans in use / asked for",
	       worker_figure(w, "heap_inuse") / worker_figure(w, "live"), "x");
	figure("percu", "cached", worker_figure(w, "cached") / MB, "MiB");
	figure("percu", "its own records", worker_figure(w, "meta_sys") / MB,
	       "MiB");
	worker_ask(w, "free", 0);
	figure("percu", "resident after free",
	       (worker_figure(w, "rss") - life->base) / MB, "MiB");
	worker_ask(w, "age", 0);
	worker_ask(w, "age", 0);
	figure("percu", "of the heap back after two ageing cycles",
	       100 * worker_figure(w, "heap_released") /
		       worker_figure(w, "heap_sys"),
	       "%");
	figure("percu", "of resident memory back, too",
	       100 * (life->full - worker_figure(w, "rss")) /
		       (life->full - life->base),
	       "%");
}

static void percu_life(void)
{
	const char *const args[] = { "percu-bench-shared", "worker", "churn",
				     NULL };
	struct worker *w = worker_start(args, NULL);
	struct life life = { 0 };

	live_on(w, &life);
	report_life("percu", &life);
	report_end(w, &life);
	worker_stop(w);
}

static void peer_life(const struct peer *peer)
{
	struct life life = { 0 };

	live_on(peer->worker, &life);
	report_life(peer->name, &life);
	worker_ask(peer->worker, "free", 0);
	life.end = worker_figure(peer->worker, "rss");
	figure(peer->name, "resident after free", (life.end - life.base) / MB,
	       "MiB");
}

bool case_churn(void)
{
	struct peer peers[NR_PEERS];
	size_t n;

	pin_last(); /* and with it all that it starts */
	n = peers_start(peers, "churn", NULL, NULL);
	row_title("churn", "blocks of random sizes, replaced at random", "");
	percu_life();
	for (size_t i = 0; i < n; i++)
		peer_life(&peers[i]);
	peers_stop(peers, n);
	return true;
}
