/* SPDX-License-Identifier: MIT */
/*
 * bench/cases.c - what there is to measure, and what workers know
 */
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/cases.h"

const struct bench_case cases[] = {
	{ "counts", case_counts, "instructions of a hit" },
	{ "pair", case_pair,
	  "a get and a put against the limit of each kind of call" },
	{ "malloc", case_malloc, "the same against packaged mallocs, by size" },
	{ "sets", case_sets, "1 to 10^6 objects out at once" },
	{ "start", case_start, "what a malloc adds to a process" },
	{ "go", case_go, "Go's sync.Pool, in the shapes of its benchmarks" },
	{ "threads", case_threads, "a pair with 1 to 512 threads" },
	{ "pools", case_pools, "a pair with 1 to 10000 pools" },
	{ "handover", case_handover, "get on one CPU, put on another" },
	{ "exchange", case_exchange, "each thread puts what all others got" },
	{ "bulk", case_bulk, "several objects at once, and one by one" },
	{ "ctor", case_ctor, "objects that take long to make" },
	{ "latency", case_latency, "the slowest gets, and while memory ages" },
	{ "idle", case_idle, "what sleeping threads leave behind" },
	{ "churn", case_churn, "resident memory in a long random life" },
	{ "drift", case_drift, "fragmentation while sizes shift" },
	{ "retire", case_retire,
	  "a put after a grace period against call_rcu" },
	{ "flood", case_flood, "threads retire as fast as they can: rcuscale" },
	{ "vec-get", case_vec_get, "one element, against arrays" },
	{ "vec-scan", case_vec_scan, "all elements, against arrays" },
	{ "vec-lock", case_vec_lock, "readers at once, against locks" },
	{ "vec-writer", case_vec_writer, "readers beside a writer" },
	{ "vec-flat", case_vec_flat, "an edit, against a copy of the block" },
	{ "vec-edit", case_vec_edit, "an edit, by length" },
	{ "vec-ways", case_vec_ways, "every way to edit, by length" },
	{ "vec-batch", case_vec_batch, "many edits in one publication" },
	{ "model", case_model, "what more CPUs would make of it" },
};
const size_t nr_cases = ARRAY_SIZE(cases);

static const struct job {
	const char *name;
	int nr_args;
	int (*run)(char **args);
} jobs[] = {
	{ "field", 3, work_field }, { "pools", 2, work_pools },
	{ "churn", 0, work_churn }, { "ctor", 1, work_ctor },
	{ "flood", 2, work_flood },
};

static int count(char **args)
{
	int n = 0;

	while (args[n])
		n++;
	return n;
}

int work(char **args)
{
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		if (!strcmp(args[0], jobs[i].name) &&
		    count(args + 1) >= jobs[i].nr_args)
			return jobs[i].run(args + 1);
	fprintf(stderr, "percu-bench: there is no job %s\n", args[0]);
	return 2;
}
