/* SPDX-License-Identifier: MIT */
/*
 * bench/main.c - percu-bench, and percu-bench-shared
 *
 * Each case runs in a process of its own, so that none finds the memory of
 * another.  What all said ends in the table of what was promised, in JSON and
 * in lines for the pictures.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include <percu/stats.h>

#include "bench/bench.h"
#include "bench/cases.h"

#ifndef __VERSION__
#define __VERSION__ "unknown" /* to sparse */
#endif
#ifdef __clang__
#define COMPILER __VERSION__ /* which has its name in it */
#else
#define COMPILER "gcc " __VERSION__
#endif

struct options opt = { .rows_fd = -1 };

static int usage(void)
{
	fprintf(stderr,
		"usage: percu-bench [check | model | flood] [--only=CASE,...] [--list]\n"
		"       [--short | --tiny] [--strict] [--budget=MS] [--seconds=S]\n"
		"       [--json=FILE] [--tsv=FILE] [--counts=FILE]\n\n"
		"Without a command all cases run, or those of --only; --list names them.\n"
		"check runs, in short, what is guarded, and fails if it is worse than\n"
		"recorded, or not measured and nothing says why; model predicts\n"
		"throughput for 1 to 512 CPUs, and fails if what it can measure of that\n"
		"is elsewhere; flood retires as fast as it can.\n"
		"--short takes a tenth of the time; --tiny shows that all works, and no\n"
		"more; --strict exits with 1 if a bound is missed; --budget is what one\n"
		"contest may take, --seconds what each flood lasts; --counts is what\n"
		"scripts/golden.sh --print says.\n");
	return 2;
}

static int list(void)
{
	for (size_t i = 0; i < nr_cases; i++)
		printf("%-12s %s\n", cases[i].name, cases[i].what);
	return 0;
}

/* --json=FILE and --json FILE alike; NULL: it is another option. */
static const char *value_of(const char *name, char ***arg)
{
	size_t n = strlen(name);

	if (strncmp(**arg, name, n))
		return NULL;
	if ((**arg)[n] == '=')
		return **arg + n + 1;
	return (**arg)[n] || !(*arg)[1] ? NULL : *++*arg;
}

static bool read_option(char ***arg)
{
	const char *v;

	if (!strcmp(**arg, "--short"))
		opt.scale = SHORT;
	else if (!strcmp(**arg, "--tiny"))
		opt.scale = TINY;
	else if (!strcmp(**arg, "--strict"))
		opt.strict = true;
	else if ((v = value_of("--only", arg)))
		opt.only = v;
	else if ((v = value_of("--json", arg)))
		opt.json = v;
	else if ((v = value_of("--tsv", arg)))
		opt.tsv = v;
	else if ((v = value_of("--counts", arg)))
		opt.counts = v;
	else if ((v = value_of("--budget", arg)))
		opt.budget = (unsigned int)strtoul(v, NULL, 10);
	else if ((v = value_of("--seconds", arg)))
		opt.seconds = (unsigned int)strtoul(v, NULL, 10);
	else if ((v = value_of("--rows", arg)))
		opt.rows_fd = atoi(v);
	else
		return false;
	return true;
}

static void machine(int argc, char **argv)
{
	time_t now = time(NULL);
	struct utsname u;
	char line[ROW_NOTE];
	int n = 0;

	snprintf(line, sizeof(line), "%s, %u for us", cpu_model(), cpus());
	row_machine("CPUs", line);
	uname(&u);
	snprintf(line, sizeof(line), "%s %s", u.sysname, u.release);
	row_machine("kernel", line);
	row_machine("compiler", COMPILER);
	row_machine("percu", percu_mode());
	strftime(line, sizeof(line), "%Y-%m-%d %H:%M UTC", gmtime(&now));
	row_machine("date", line);
	n += snprintf(line, sizeof(line), "percu-bench");
	for (int i = 1; i < argc && n < (int)sizeof(line); i++)
		if (strncmp(argv[i], "--tsv", 5) &&
		    strncmp(argv[i], "--json", 6) &&
		    strncmp(argv[i], "--counts", 8))
			n += snprintf(line + n, sizeof(line) - (size_t)n, " %s",
				      argv[i]);
	row_machine("command", line);
	versions();
}

/* Is name among those of a list "a,b,c"? */
static bool listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (!strncmp(p, name, n) && (!p[n] || p[n] == ','))
			return true;
	}
	return false;
}

bool case_wanted(const struct bench_case *c)
{
	return !opt.only || listed(opt.only, c->name);
}

static bool only_known(void)
{
	char *all = opt.only ? strdup(opt.only) : NULL, *rest = all, *name;
	bool known = true;

	while ((name = strsep(&rest, ","))) {
		bool here = false;

		for (size_t i = 0; i < nr_cases; i++)
			here |= !strcmp(cases[i].name, name);
		if (!here)
			fprintf(stderr, "percu-bench: there is no case %s\n",
				name);
		known &= here;
	}
	free(all);
	return known;
}

static bool run_cases(void)
{
	bool ok = true;

	for (size_t i = 0; i < nr_cases; i++) {
		if (!case_wanted(&cases[i]))
			continue;
		if (!child_case("percu-bench", cases[i].name)) {
			row_skip(cases[i].name, cases[i].name, "it failed");
			ok = false;
		}
	}
	rows_table();
	return ok;
}

static bool run_case(const char *name)
{
	for (size_t i = 0; i < nr_cases; i++)
		if (!strcmp(cases[i].name, name))
			return cases[i].run();
	return false;
}

/* Did what was measured lie where the model said? */
static bool model_holds(void)
{
	for (size_t i = 0; i < nr_rows(); i++)
		if (!strcmp(row_at(i)->name, MODEL_OUTSIDE))
			return row_at(i)->e.mid == 0;
	return false;
}

static bool run(const char *command)
{
	char line[ROW_NOTE];
	bool ok;

	noise();
	ok = !strcmp(command, "check") ? check() : run_cases();
	snprintf(line, sizeof(line), "used %.0f %% of the CPUs meanwhile",
		 noise());
	row_machine("others", line);
	if (!strcmp(command, "model"))
		ok = model_holds() && ok;
	if (opt.json && !rows_json(opt.json))
		ok = false;
	if (opt.tsv && !rows_tsv(opt.tsv))
		ok = false;
	return ok;
}

int main(int argc, char **argv)
{
	const char *command = "", *name = NULL;

	if (argc > 2 && !strcmp(argv[1], "worker"))
		return work(argv + 2);
	for (char **arg = argv + 1; *arg; arg++) {
		if (!strcmp(*arg, "--list"))
			return list();
		if (!strcmp(*arg, "case") && arg[1])
			name = *++arg;
		else if ((*arg)[0] != '-' && !command[0])
			command = *arg;
		else if (!read_option(&arg))
			return usage();
	}
	if (name)
		return !run_case(name);
	if (!strcmp(command, "check"))
		opt.scale = opt.scale == FULL ? SHORT : opt.scale;
	else if (!strcmp(command, "model") || !strcmp(command, "flood"))
		opt.only = command;
	else if (command[0])
		return usage();
	if (!only_known())
		return 2;
	machine(argc, argv);
	peers_missing();
	return !run(command) ||
	       (opt.strict && (rows_judged(MISSED) || rows_judged(WORSE)));
}
