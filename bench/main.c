/* SPDX-License-Identifier: MIT */
/*
 * bench/main.c - percu-bench, and percu-bench-shared
 *
 * A command measures one thing and prints its rows.  "all" runs each command
 * in a process of its own, so that none finds the memory of another, and ends
 * in the table of what was promised.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <percu/stats.h>

#include "bench/bench.h"

#ifndef __VERSION__
#define __VERSION__ "unknown" /* to sparse */
#endif

struct options opt = { .rounds = 51,
		       .objects = 10000000,
		       .seconds = 5,
		       .rows_fd = -1 };

static const struct command {
	const char *name;
	bool (*run)(void);
	const char *what;
} commands[] = {
	{ "pair", bench_pair,
	  "a get and a put against the limit of each kind of call" },
	{ "malloc-peers", bench_malloc, "the same against packaged mallocs" },
	{ "go", bench_go, "the same against Go's sync.Pool" },
	{ "threads", bench_threads, "a pair with 1 to 512 threads" },
	{ "pools", bench_pools, "a pair with 1 to 10000 pools" },
	{ "idle", bench_idle, "what 10000 sleeping threads leave behind" },
	{ "handover", bench_handover, "get on one CPU, put on another" },
	{ "churn", bench_churn, "resident memory in a long random life" },
	{ "retire", bench_retire,
	  "a put after a grace period against call_rcu" },
	{ "vec", bench_vec, "vectors against arrays, locks and copies" },
};

static const struct job {
	const char *name;
	int nr_args;
	int (*run)(char **args);
} jobs[] = {
	{ "alloc", 1, work_alloc }, { "pools", 2, work_pools },
	{ "idle", 2, work_idle },   { "handover", 1, work_handover },
	{ "churn", 0, work_churn }, { "flood", 1, work_flood },
};

static int usage(void)
{
	fprintf(stderr,
		"usage: percu-bench [COMMAND] [--short] [--strict] [--json=FILE]\n"
		"       [--rounds=N] [--objects=N] [--seconds=N] [--least]\n\n"
		"  %-14s all of these (default)\n",
		"all");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stderr, "  %-14s %s\n", commands[i].name,
			commands[i].what);
	fprintf(stderr,
		"\n--short takes a tenth of the time; --strict exits with 1 if a\n"
		"bound is missed; --objects is how many go through handover;\n"
		"--seconds is how long retire floods; --least takes the least\n"
		"times and not the medians, for a machine that is busy.\n");
	return 2;
}

/* percu-bench worker JOB ARG...: what child.c starts */
static int work(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && i < ARRAY_SIZE(jobs); i++)
		if (!strcmp(argv[2], jobs[i].name) &&
		    argc >= 3 + jobs[i].nr_args)
			return jobs[i].run(argv + 3);
	return usage();
}

static bool read_option(const char *arg)
{
	if (!strcmp(arg, "--short")) {
		opt.small = true;
		opt.rounds = 31;
		opt.objects = 1000000;
		opt.seconds = 1;
	} else if (!strcmp(arg, "--least")) {
		opt.least = true;
	} else if (!strcmp(arg, "--strict")) {
		opt.strict = true;
	} else if (!strncmp(arg, "--json=", 7)) {
		opt.json = arg + 7;
	} else if (sscanf(arg, "--rounds=%u", &opt.rounds) != 1 &&
		   sscanf(arg, "--objects=%" SCNu64, &opt.objects) != 1 &&
		   sscanf(arg, "--seconds=%u", &opt.seconds) != 1 &&
		   sscanf(arg, "--rows=%d", &opt.rows_fd) != 1) {
		return false;
	}
	return opt.rounds >= 1;
}

static void print_machine(void)
{
	struct utsname u;

	uname(&u);
	printf("percu in mode %s, %u CPUs, %s %s, compiler %s, %s of %u\n",
	       percu_mode(), cpus(), u.sysname, u.release, __VERSION__,
	       opt.least ? "least" : "medians", opt.rounds);
}

static bool run_all(void)
{
	bool ok = true;

	print_machine();
	noise();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		printf("\n%s: %s\n", commands[i].name, commands[i].what);
		if (child_run("percu-bench", commands[i].name)) {
			row_skip(commands[i].name, "it failed");
			ok = false;
		}
	}
	rows_table();
	printf("others used %.0f %% of the CPUs meanwhile\n", noise());
	return ok;
}

static bool run(const char *command, bool *ok)
{
	if (!strcmp(command, "all")) {
		*ok = run_all();
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(command, commands[i].name))
			continue;
		if (opt.rows_fd < 0)
			print_machine();
		*ok = commands[i].run();
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	const char *command = "all";
	bool ok;

	if (argc > 1 && !strcmp(argv[1], "worker"))
		return work(argc, argv);
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-')
			command = argv[i];
		else if (!read_option(argv[i]))
			return usage();
	}
	if (!run(command, &ok))
		return usage();
	if (opt.json && !rows_json(opt.json))
		ok = false;
	return !ok || (opt.strict && rows_missed());
}
