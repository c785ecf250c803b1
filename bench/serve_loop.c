/* SPDX-License-Identifier: MIT */
/*
 * bench/serve_loop.c - a worker that runs one loop
 *
 * It uses neither percu nor, while it is timed, malloc: it is part of any
 * worker without a share in what is measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/crew.h"
#include "bench/loops.h"

static const struct subject *subject;

static void pair(void *none, uint64_t iters)
{
	(void)none;
	subject->loops->pair(subject->ctx, iters);
}

static uint64_t ask_subject(void *none, const char *what, uint64_t arg)
{
	(void)none;
	return subject_answer(subject, what, arg);
}

static int serve_pair(void)
{
	const struct service s = { .fn = pair, .answer = ask_subject };

	subject->loops->keep(subject->ctx);
	return serve(&s);
}

static struct set set;

static void take_set(void *none, uint64_t iters)
{
	(void)none;
	subject->loops->set(&set, iters, subject->ctx);
}

static int serve_set(size_t n)
{
	const struct service s = { .fn = take_set, .answer = ask_subject };

	set.n = n;
	set.slot = calloc(n, sizeof(*set.slot));
	die_unless(set.slot, "set");
	return serve(&s);
}

/* Members share the CPUs, one after the other, as they please. */
static struct crew *crew;
static size_t crew_size;

static uint64_t threads_answer(void *none, const char *what, uint64_t arg)
{
	if (strcmp(what, "run"))
		return ask_subject(none, what, arg);
	return crew_run(crew, pair, NULL, 0, arg / crew_size + 1).cpu;
}

static int serve_threads(size_t n)
{
	const struct service s = { .answer = threads_answer };

	crew_size = n;
	crew = crew_start((unsigned int)n, true, NULL);
	return serve(&s);
}

int serve_loop(const struct subject *s, const char *loop, const char *arg)
{
	size_t n = arg ? strtoul(arg, NULL, 10) : 0;

	subject = s;
	if (!strcmp(loop, "pair"))
		return serve_pair();
	if (!strcmp(loop, "set"))
		return serve_set(n);
	if (!strcmp(loop, "threads"))
		return serve_threads(n);
	if (!strcmp(loop, "handover"))
		return serve_handover(s);
	if (!strcmp(loop, "exchange"))
		return serve_exchange(s, n);
	if (!strcmp(loop, "idle"))
		return serve_idle(s, n);
	if (!strcmp(loop, "latency"))
		return serve_latency(s);
	fprintf(stderr, "percu-bench: there is no loop %s\n", loop);
	return 2;
}
