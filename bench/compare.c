/* SPDX-License-Identifier: MIT */
/*
 * bench/compare.c - contestants take turns
 *
 *	calibrate each: as many iterations as fill one turn
 *	repeat: a turn of each, beginning with the next one each time
 *	the first rounds warm up and are forgotten
 *	of the others, each contestant's median, or its least time
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"

enum {
	WARM_UP = 3,
	TURN_NS = 2 * MSEC
};

/*
 * One turn, in ns.  The eighth before it brings the loop back into the caches
 * that the contestant before it has used.
 */
static double turn(struct contestant *c)
{
	uint64_t t;

	if (c->timed)
		return (double)c->timed(c->ctx, c->iters);
	c->fn(c->ctx, c->iters / 8 + 1);
	t = thread_ns();
	c->fn(c->ctx, c->iters);
	return (double)(thread_ns() - t);
}

static void calibrate(struct contestant *c, double turn_ns)
{
	double ns;

	if (c->iters)
		return;
	for (c->iters = 64; (ns = turn(c)) < turn_ns / 2;)
		c->iters *= ns > turn_ns / 32 ? 2 : 8;
	c->iters = (uint64_t)((double)c->iters * turn_ns / ns) + 1;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* What counts.  The least is what disturbs least on a busy machine. */
static double middle(double *v, size_t n)
{
	double m = median(v, n);

	return opt.least ? v[0] : m;
}

void compare(struct contestant *c, size_t n, uint64_t turn_ns)
{
	double *ns = calloc(n * opt.rounds, sizeof(*ns));

	if (!ns) {
		perror("percu-bench");
		exit(1);
	}
	for (size_t i = 0; i < n; i++)
		calibrate(&c[i], turn_ns ? (double)turn_ns : TURN_NS);
	for (size_t r = 0; r < WARM_UP + opt.rounds; r++) {
		for (size_t i = 0; i < n; i++) {
			size_t k = (i + r) % n;
			double t = turn(&c[k]) / (double)c[k].iters;

			if (r >= WARM_UP)
				ns[k * opt.rounds + r - WARM_UP] = t;
		}
	}
	for (size_t i = 0; i < n; i++)
		c[i].ns = middle(ns + i * opt.rounds, opt.rounds) /
			  (c[i].units ? c[i].units : 1);
	free(ns);
}
