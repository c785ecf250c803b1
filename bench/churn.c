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
#include "bench/churn.h"

enum {
	SAMPLES = 20
};

static const double RESIDENT_BOUND = 1.20, RETURNED_BOUND = 97;

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

/* The command's side. */

struct life {
	double base, full, end; /* resident bytes: before, with all, without */
	double last, worst;     /* resident for a byte asked for */
	double ns;              /* an operation */
};

static double ask(struct worker *w, const char *what)
{
	return (double)worker_ask(w, what, 0);
}

static void live_on(struct worker *w, struct life *life)
{
	uint64_t ops = (opt.small ? 1000000 : 10000000) / SAMPLES;
	double ns = 0;

	life->base = ask(w, "rss");
	worker_ask(w, "fill", 100 * 1000000);
	for (int i = 0; i < SAMPLES; i++) {
		ns += (double)worker_ask(w, "churn", ops);
		life->full = ask(w, "rss");
		life->last = (life->full - life->base) / ask(w, "live");
		if (life->last > life->worst)
			life->worst = life->last;
	}
	life->ns = ns / (double)ops / SAMPLES;
}

static void report_end(struct worker *w, const struct life *life)
{
	row_info("churn: percu, allocated with rounding / asked for",
		 ask(w, "alloc") / ask(w, "live"), "x");
	row_info("churn: percu, in spans in use / asked for",
		 ask(w, "heap_inuse") / ask(w, "live"), "x");
	row_info("churn: percu, cached", ask(w, "cached") / MB, "MiB");
	row_info("churn: percu, its own records", ask(w, "meta_sys") / MB,
		 "MiB");
	worker_ask(w, "free", 0);
	row_info("churn: percu, resident after free",
		 (ask(w, "rss") - life->base) / MB, "MiB");
	worker_ask(w, "age", 0);
	worker_ask(w, "age", 0);
	row_least("churn: percu, of the heap back after two ageing cycles",
		  100 * ask(w, "heap_released") / ask(w, "heap_sys"), "%",
		  RETURNED_BOUND);
	row_least("churn: percu, of resident memory back, too",
		  100 * (life->full - ask(w, "rss")) /
			  (life->full - life->base),
		  "%", RETURNED_BOUND);
}

static void percu_life(void)
{
	const char *const args[] = { "percu-bench-shared", "worker", "churn",
				     NULL };
	struct worker *w = worker_start(args, NULL);
	struct life life = { 0 };

	live_on(w, &life);
	row_info("churn: percu, an operation", life.ns, "ns");
	row_info("churn: percu, resident / asked for, at the end", life.last,
		 "x");
	row_most("churn: percu, resident / asked for, at worst", life.worst,
		 "x", RESIDENT_BOUND);
	report_end(w, &life);
	worker_stop(w);
}

static void peer_life(const struct peer *peer)
{
	struct life life = { 0 };
	char name[64];

	live_on(peer->worker, &life);
	worker_ask(peer->worker, "free", 0);
	life.end = ask(peer->worker, "rss");
	snprintf(name, sizeof(name), "churn: %s, an operation", peer->name);
	row_info(name, life.ns, "ns");
	snprintf(name, sizeof(name),
		 "churn: %s, resident / asked for, at worst", peer->name);
	row_info(name, life.worst, "x");
	snprintf(name, sizeof(name), "churn: %s, resident after free",
		 peer->name);
	row_info(name, (life.end - life.base) / MB, "MiB");
}

bool bench_churn(void)
{
	struct peer peers[NR_PEERS];
	size_t n = peers_start(peers, "churn");

	pin_last();
	percu_life();
	for (size_t i = 0; i < n; i++)
		peer_life(&peers[i]);
	peers_stop(peers, n);
	return true;
}
