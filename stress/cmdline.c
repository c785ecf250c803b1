// SPDX-License-Identifier: MIT
/*
 * stress/cmdline.c - the command line of percu-stress
 *
 * Without arguments all scenarios run, one after the other and then all at
 * once under all of chaos, half a minute in all.  What is named runs alone.
 * A command line that makes no sense ends with status 2.
 */
#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "stress.h"

enum {
	DEFAULT_SECONDS = 30,
	PATIENCE_SECONDS = 120,
	SHORT_SECONDS = 8,
	THREADS_MAX = 4096,
	WORKERS_MAX = 1 << 20,
	/* Options without a letter. */
	KEY_SHORT = 256,
	KEY_SEED,
	KEY_CHAOS,
	KEY_MIXED,
	KEY_REPORT,
	KEY_JSON,
	KEY_TAP,
	KEY_TRACE,
	KEY_RECORD,
	KEY_DUMP,
	KEY_BREAK,
	KEY_PATIENCE,
};

static const struct argp_option argp_options[] = {
	{ NULL, 0, NULL, 0, "What runs:", 1 },
	{ "scenario", 's', "LIST", 0,
	  "these scenarios, with commas between; \"all\": each of them", 1 },
	{ "list", 'l', NULL, 0, "list scenarios, faults and laws", 1 },
	{ "mixed", KEY_MIXED, NULL, 0, "all of them at once, in one process",
	  1 },
	{ "chaos", KEY_CHAOS, "LIST", 0,
	  "beside them: some of the faults, \"all\" or \"none\"; by default "
	  "all beside the mixed part that ends a run of everything",
	  1 },
	{ "storm", 0, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 1 },
	{ NULL, 0, NULL, 0, "How much:", 2 },
	{ "duration", 't', "TIME", 0,
	  "in all: 30, 30s, 2m, 1h; 30 seconds by default", 2 },
	{ "threads", 'j', "N", 0, "threads of the system; 0: by the CPUs", 2 },
	{ "workers", 'w', "N", 0,
	  "coroutines; 0: as many as the scenario likes", 2 },
	{ "patience", KEY_PATIENCE, "TIME", 0,
	  "it hangs when nothing was counted for so long; 2m by default", 2 },
	{ "seed", KEY_SEED, "N", 0, "repeat this seed's random choices", 2 },
	{ "input", 'i', "PATH", 0,
	  "words: a file, or a folder with all below it; /usr/share by default; "
	  "may be repeated",
	  2 },
	{ "short", KEY_SHORT, NULL, 0,
	  "words: about 20 MB of it, once; and 8 seconds in all, at most", 2 },
	{ "trace", KEY_TRACE, "FILE", 0,
	  "replay: this trace instead of those that are built in; may be "
	  "repeated; with no scenario named, replay alone",
	  2 },
	{ NULL, 0, NULL, 0, "Traces:", 4 },
	{ "record", KEY_RECORD, "FILE", 0,
	  "run what follows \"--\" and write a trace of what it allocates", 4 },
	{ "dump", KEY_DUMP, "FILE", 0,
	  "print a trace: microsecond, thread, operation, slot, size, log2 of "
	  "the alignment",
	  4 },
	{ NULL, 0, NULL, 0, "What is told:", 3 },
	{ "report", KEY_REPORT, "DIR", 0,
	  "write DIR/index.html, a page with plots, and DIR/result.json", 3 },
	{ "json", KEY_JSON, NULL, 0, "the result as one JSON object", 3 },
	{ "tap", KEY_TAP, NULL, 0, "the result as TAP", 3 },
	{ "break", KEY_BREAK, "LAW", 0,
	  "break this on purpose (--list), to see that the verdict says so",
	  3 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static uint64_t number(struct argp_state *state, const char *s, uint64_t max)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(s, &end, 0);
	if (errno || end == s || *end || *s == '-' || n > max)
		argp_error(state, "\"%s\" is not a number up to %llu", s,
			   (unsigned long long)max);
	return n;
}

static double duration(struct argp_state *state, const char *s)
{
	char *end;
	double n = strtod(s, &end);
	double unit = !*end             ? 1 :
		      !strcmp(end, "s") ? 1 :
		      !strcmp(end, "m") ? 60 :
		      !strcmp(end, "h") ? 3600 :
					  0;

	if (end == s || !unit || !(n * unit >= 0.1) || n * unit > 1e7)
		argp_error(state, "\"%s\" is no time: 30s, 2m, 1h", s);
	return n * unit;
}

static void list_print(void)
{
	printf("scenarios:\n");
	for (size_t i = 0; i < NR_SCENARIOS; i++)
		printf("  %-10s%s\n", scenarios[i].name, scenarios[i].what);
	printf("faults, for --chaos:\n");
	for (size_t i = 0; i < NR_FAULTS; i++)
		printf("  %-10s%s\n", faults[i].name, faults[i].what);
	printf("laws of the end, for --break:\n");
	for (size_t i = 0; i < NR_END_LAWS; i++)
		printf("  %-12s%s\n", findings[i].name, findings[i].what);
	printf("and what else it breaks:\n");
	break_list();
	exit(text_flushed() ? 0 : 1);
}

static void choose(struct argp_state *state, struct options *o,
		   const char *list)
{
	for (const char *end; *list; list = *end ? end + 1 : end) {
		size_t i = 0, len;

		end = strchrnul(list, ',');
		len = (size_t)(end - list);
		if (len == 3 && !memcmp(list, "all", len)) {
			o->chosen = (1u << NR_SCENARIOS) - 1;
			continue;
		}
		while (i < NR_SCENARIOS &&
		       (strlen(scenarios[i].name) != len ||
			memcmp(scenarios[i].name, list, len)))
			i++;
		if (i == NR_SCENARIOS)
			argp_error(state, "no such scenario: \"%.*s\" (--list)",
				   (int)len, list);
		o->chosen |= 1u << i;
	}
}

static void option_told(struct argp_state *state, struct options *o, int key,
			const char *arg)
{
	switch (key) {
	case KEY_REPORT:
		o->report = arg;
		break;
	case KEY_JSON:
		o->output = OUTPUT_JSON;
		break;
	case KEY_TAP:
		o->output = OUTPUT_TAP;
		break;
	case KEY_CHAOS:
		o->chaos = arg;
		if (!faults_request(arg))
			argp_error(state, "no such fault in \"%s\" (--list)",
				   arg);
		break;
	case KEY_BREAK:
		o->broken = arg;
		if (!break_request(arg))
			argp_error(state, "nothing to break: \"%s\" (--list)",
				   arg);
		break;
	}
}

/* What is recorded or played, and the end of the line. */
static error_t trace_option(struct argp_state *state, struct options *o,
			    int key, char *arg)
{
	switch (key) {
	case KEY_TRACE:
		o->traces[o->nr_traces++] = arg;
		return 0;
	case KEY_RECORD:
		o->record = arg;
		return 0;
	case KEY_DUMP:
		o->dump = arg;
		return 0;
	case ARGP_KEY_END:
		if (o->record && !o->command)
			argp_error(state, "--record FILE -- COMMAND");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t option_set(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (o->record) {
			o->command = state->argv + state->next - 1;
			state->next = state->argc;
			return 0;
		}
		choose(state, o, arg);
		return 0;
	case 's':
		choose(state, o, arg);
		return 0;
	case 'l':
		list_print();
		return 0;
	case 'i':
		o->paths[o->nr_paths++] = arg;
		return 0;
	case 'w':
		o->workers = (unsigned int)number(state, arg, WORKERS_MAX);
		return 0;
	case 'j':
		o->threads = (unsigned int)number(state, arg, THREADS_MAX);
		return 0;
	case 't':
		o->seconds = duration(state, arg);
		return 0;
	case KEY_PATIENCE:
		o->patience = duration(state, arg);
		return 0;
	case KEY_SEED:
		o->seed = number(state, arg, UINT64_MAX);
		return 0;
	/* A duration that follows may be longer. */
	case KEY_SHORT:
		o->brief = o->once = true;
		o->seconds = o->seconds < SHORT_SECONDS ? o->seconds :
							  SHORT_SECONDS;
		return 0;
	case KEY_MIXED:
		o->mixed = true;
		return 0;
	case KEY_REPORT:
	case KEY_JSON:
	case KEY_TAP:
	case KEY_CHAOS:
	case KEY_BREAK:
		option_told(state, o, key, arg);
		return 0;
	default:
		return trace_option(state, o, key, arg);
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = option_set,
	.args_doc = "[SCENARIO...]\n--record FILE -- COMMAND...",
	.doc = "Uses percu in every way, forces faults on it, and ends in a "
	       "verdict: exit status 0 only if every law held."
	       "\vFailures name the command that repeats them. Statuses: 0 "
	       "all laws held, 1 not, 2 a command line that makes no sense.",
};

/* Room for every argument to be a path. */
void options_parse(struct options *o, int argc, char **argv)
{
	*o = (struct options){
		.paths = must(calloc((size_t)argc + 1, sizeof(*o->paths))),
		.traces = must(calloc((size_t)argc + 1, sizeof(*o->traces))),
		.seconds = DEFAULT_SECONDS,
		.patience = PATIENCE_SECONDS,
		.seed = mix64(now_ns() ^ (uint64_t)getpid() << 40) >> 32,
	};
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, o);
	for (unsigned int i = 0; i < NR_SCENARIOS && o->nr_traces; i++)
		if (!o->chosen && !o->mixed && scenarios[i].run == replay_run)
			o->chosen = 1u << i;
	o->named = o->chosen;
	if (!o->chosen) {
		o->chosen = (1u << NR_SCENARIOS) - 1;
		o->everything = !o->mixed;
	}
	if (!o->chaos && o->everything)
		faults_request("all");
}

__attribute__((format(printf, 4, 5))) static size_t
append(char *buf, size_t size, size_t at, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf + at, size - at, fmt, ap);
	va_end(ap);
	return n < 0 || at + (size_t)n >= size ? size - 1 : at + (size_t)n;
}

static void chosen_write(const struct options *o, char *buf, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < NR_SCENARIOS; i++)
		if (o->chosen >> i & 1)
			at = append(buf, size, at, "%s%s", at ? "," : "",
				    scenarios[i].name);
}

/* As a shell wants it. */
static size_t append_quoted(char *buf, size_t size, size_t at,
			    const char *before, const char *s)
{
	at = append(buf, size, at, "%s'", before);
	for (; *s; s++)
		at = append(buf, size, at, "%s%c", *s == '\'' ? "'\\'" : "",
			    *s);
	return append(buf, size, at, "'");
}

/* What percu and the C library are told besides. */
static size_t append_environment(char *buf, size_t size, size_t at)
{
	static const char *const names[] = { "PERCU", "GLIBC_TUNABLES" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);

		if (!value)
			continue;
		at = append(buf, size, at, "%s=", names[i]);
		at = append_quoted(buf, size, at, "", value);
		at = append(buf, size, at, " ");
	}
	return at;
}

static size_t append_counts(const struct options *o, char *buf, size_t size,
			    size_t at)
{
	if (o->threads)
		at = append(buf, size, at, " --threads %u", o->threads);
	if (o->workers)
		at = append(buf, size, at, " --workers %u", o->workers);
	if (o->patience != PATIENCE_SECONDS)
		at = append(buf, size, at, " --patience %.3fs", o->patience);
	if (o->chaos)
		at = append(buf, size, at, " --chaos %s", o->chaos);
	if (o->broken)
		at = append(buf, size, at, " --break %s", o->broken);
	return at;
}

/* --short is before --duration, which it would cut. */
void options_again(const struct options *o, const char *names, char *buf,
		   size_t size)
{
	static const char cut[] = " (and more)";
	char chosen[128] = "";
	size_t at;

	if (!names && !o->everything)
		chosen_write(o, chosen, sizeof(chosen));
	if (!names)
		names = chosen;
	at = append_environment(buf, size, 0);
	at = append(buf, size, at,
		    "percu-stress %s%s%s%s--seed 0x%llx%s --duration %.3fs",
		    o->mixed ? "--mixed " : "", *names ? "--scenario " : "",
		    names, *names ? " " : "", (unsigned long long)o->seed,
		    o->brief ? " --short" : "", o->seconds);
	at = append_counts(o, buf, size, at);
	for (size_t i = 0; i < o->nr_paths; i++)
		at = append_quoted(buf, size, at, " -i ", o->paths[i]);
	for (unsigned int i = 0; i < o->nr_traces; i++)
		at = append_quoted(buf, size, at, " --trace ", o->traces[i]);
	if (at >= size - 1)
		memcpy(buf + size - sizeof(cut), cut, sizeof(cut));
}
