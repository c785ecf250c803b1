/* SPDX-License-Identifier: MIT */
/*
 * bench/malloc_main.c - percu-bench-malloc: malloc's side of a comparison
 *
 * percu-bench-malloc pair SIZE | handover | churn, as a worker.  It has nothing of
 * percu in it, and calls malloc as a program calls a shared library.
 * percu-bench-malloc preloaded says with its status whether a malloc has taken
 * the C library's place.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/churn.h"
#include "bench/handover.h"
#include "bench/loops.h"

static inline void *call_malloc(void *size)
{
	return malloc((size_t)size);
}

static inline void call_free(void *size, void *p)
{
	(void)size;
	free(p);
}

static void pair(void *size, uint64_t iters)
{
	loop_pair(iters, call_malloc, call_free, size);
}

static void produce(struct ring *ring, uint64_t n, void *size)
{
	loop_produce(ring, n, call_malloc, size);
}

static void consume(struct ring *ring, uint64_t n, void *size)
{
	loop_consume(ring, n, call_free, size);
}

/* Is malloc another library's than the C library's? */
static bool preloaded(void)
{
	Dl_info of_malloc, of_libc;

	return dladdr((void *)malloc, &of_malloc) &&
	       dladdr((void *)strtoul, &of_libc) &&
	       of_malloc.dli_fbase != of_libc.dli_fbase;
}

static const struct handover handover = { produce, consume, (void *)OBJECT,
					  NULL };
static const struct churn churn = { malloc, free, NULL };

static int serve_pair(const char *size)
{
	const struct service s = { .fn = pair,
				   .ctx = (void *)strtoul(size, NULL, 10) };

	loop_keep(call_malloc, s.ctx);
	return serve(&s);
}

int main(int argc, char **argv)
{
	const char *loop = argc > 1 ? argv[1] : "";

	if (!strcmp(loop, "pair") && argc > 2)
		return serve_pair(argv[2]);
	if (!strcmp(loop, "handover"))
		return serve_handover(&handover);
	if (!strcmp(loop, "churn"))
		return serve_churn(&churn);
	if (!strcmp(loop, "preloaded"))
		return !preloaded();
	fprintf(stderr, "usage: percu-bench-malloc pair SIZE|handover|churn\n");
	return 2;
}
