/* SPDX-License-Identifier: MIT */
/*
 * bench/serve.c - a worker's side
 *
 * It uses neither percu nor malloc, so that it can be part of any worker
 * without a share in what is measured.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"

/* As method.c does it with a contestant of its own process. */
static uint64_t timed(const struct service *s, uint64_t iters)
{
	uint64_t t;

	s->fn(s->ctx, iters / 8 + 1);
	t = thread_ns();
	s->fn(s->ctx, iters);
	return thread_ns() - t;
}

static uint64_t answer(const struct service *s, const char *what, uint64_t arg)
{
	if (!strcmp(what, "rss"))
		return rss();
	if (s->fn && !strcmp(what, "run"))
		return timed(s, arg);
	if (s->answer)
		return s->answer(s->ctx, what, arg);
	fprintf(stderr, "percu-bench: what is \"%s\"?\n", what);
	exit(2);
}

int serve(const struct service *s)
{
	static char in[256];
	char line[64], what[32], out[32];
	uint64_t arg;

	setvbuf(stdin, in, _IOLBF, sizeof(in));
	while (fgets(line, sizeof(line), stdin)) {
		int n;

		if (sscanf(line, "%31s %" SCNu64, what, &arg) != 2)
			return 2;
		n = snprintf(out, sizeof(out), "%" PRIu64 "\n",
			     answer(s, what, arg));
		if (write(1, out, (size_t)n) != n)
			return 1;
	}
	return 0;
}
