// SPDX-License-Identifier: MIT
/*
 * stress/main.c - the command line of percu-stress
 *
 * A scenario is named first, its options follow.  The exit status is 0 if
 * every verdict was "ok", 1 if not, 2 for a command line that makes no sense.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "stress.h"

static const char usage_text[] =
	"usage: percu-stress words    [-i PATH]... [-w WORKERS] [--short] [--seed N]\n"
	"       percu-stress churn    [-t SECONDS] [-w THREADS] [--storm LIST] [--seed N]\n"
	"       percu-stress handover [-t SECONDS] [-w PAIRS] [--seed N]\n"
	"       percu-stress drain    [-t SECONDS] [-w THREADS] [--seed N]\n"
	"       percu-stress vec      [-t SECONDS] [-w READERS] [--seed N]\n"
	"       percu-stress all      [-t SECONDS] [--seed N]\n"
	"\n"
	"  words     count the words of all text under PATH (default /usr/share) on\n"
	"            pooled memory, and compare with a plain single-threaded count\n"
	"  churn     random use of every kind of pool and of every size of block\n"
	"  handover  objects made on one CPU and given back on another\n"
	"  drain     get and put beside a thread that drains without a pause\n"
	"  vec       vectors read by threads while others edit them\n"
	"  all       words --short, churn, handover, drain, vec\n"
	"\n"
	"  -i PATH   a file, or a folder with all below it; may be repeated\n"
	"  -w N      threads (pairs of threads for handover)\n"
	"  -t N      seconds, for each scenario (default 5)\n"
	"  --short   about 20 MB of the input\n"
	"  --storm   of affinity,signal,fork,exit: what else happens; none; default all\n"
	"  --seed N  repeat this seed's random choices\n";

__attribute__((noreturn)) static void usage_error(const char *what,
						  const char *arg)
{
	fprintf(stderr, "percu-stress: %s: \"%s\"\n%s", what, arg, usage_text);
	exit(2);
}

static uint64_t number(const char *s, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(s, &end, 0);
	if (errno || end == s || *end || *s == '-' || n < min || n > max)
		usage_error("not a number in range", s);
	return n;
}

static unsigned int storm_list(char *list)
{
	static const struct {
		const char *name;
		unsigned int storms;
	} known[] = {
		{ "affinity", STORM_AFFINITY }, { "signal", STORM_SIGNAL },
		{ "fork", STORM_FORK },         { "exit", STORM_EXIT },
		{ "all", STORM_ALL },           { "none", 0 },
	};
	unsigned int storms = 0;

	for (char *name; (name = strsep(&list, ","));) {
		size_t i = 0;

		while (i < ARRAY_SIZE(known) && strcmp(known[i].name, name))
			i++;
		if (i == ARRAY_SIZE(known))
			usage_error("no such storm", name);
		storms |= known[i].storms;
	}
	return storms;
}

static void options_default(struct options *o, const char **paths)
{
	memset(o, 0, sizeof(*o));
	o->paths = paths;
	o->seconds = 5;
	o->storms = STORM_ALL;
	o->seed = mix64(now_ns() ^ (uint64_t)getpid() << 40) >> 32;
}

static void option_set(struct options *o, int c)
{
	switch (c) {
	case 'i':
		o->paths[o->nr_paths++] = optarg;
		break;
	case 'w':
		o->workers = (unsigned int)number(optarg, 1, 4096);
		break;
	case 't':
		o->seconds = (unsigned int)number(optarg, 1, 1u << 20);
		break;
	case 'b':
		o->brief = true;
		break;
	case 's':
		o->seed = number(optarg, 0, UINT64_MAX);
		break;
	case 'x':
		o->storms = storm_list(optarg);
		break;
	case 'h':
		printf("%s", usage_text);
		exit(0);
	default:
		fprintf(stderr, "%s", usage_text);
		exit(2);
	}
}

static void options_parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "short", no_argument, NULL, 'b' },
		{ "seed", required_argument, NULL, 's' },
		{ "storm", required_argument, NULL, 'x' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "i:w:t:h", longs, NULL)) != -1)
		option_set(o, c);
	if (optind < argc)
		usage_error("what is this", argv[optind]);
}

static bool scenario_run(const char *name, void (*run)(const struct options *),
			 const struct options *o)
{
	verdict_begin(name, o);
	run(o);
	return verdict_end();
}

static const struct scenario {
	const char *name;
	void (*run)(const struct options *o);
} scenarios[] = {
	{ "words", words_run },       { "churn", churn_run },
	{ "handover", handover_run }, { "drain", drain_run },
	{ "vec", vec_run },
};

static bool all_run(const struct options *o)
{
	struct options brief = *o;
	bool ok = true;

	brief.brief = true;
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		if (i)
			printf("\n");
		ok &= scenario_run(scenarios[i].name, scenarios[i].run, &brief);
	}
	return ok;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	const char **paths = calloc((size_t)argc + 1, sizeof(*paths));
	struct options o;
	size_t i = 0;
	bool ok;

	if (!strcmp(name, "-h") || !strcmp(name, "--help"))
		return printf("%s", usage_text) < 0;
	options_default(&o, must(paths));
	if (argc > 1)
		options_parse(&o, argc - 1, argv + 1);
	while (i < ARRAY_SIZE(scenarios) && strcmp(scenarios[i].name, name))
		i++;
	if (i < ARRAY_SIZE(scenarios))
		ok = scenario_run(name, scenarios[i].run, &o);
	else if (!strcmp(name, "all"))
		ok = all_run(&o);
	else
		usage_error("no such scenario", name);
	free(paths);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
