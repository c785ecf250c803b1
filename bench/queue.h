/* SPDX-License-Identifier: MIT */
/*
 * bench/queue.h - the arithmetic of the model: nothing of it is measured
 *
 * cost		of each path, in ns: measured by model.c
 * mix		how often an operation takes each: read from the counters
 * demand	what an operation wants, in ns: of its own CPU, of each server
 * server	what one CPU has at a time: a lock, and what is done under it
 * band		between all under the locks, and nothing
 */
#ifndef BENCH_QUEUE_H
#define BENCH_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LINES_A_VISIT = 10, /* the lock, the depot's head, a magazine's slots */
	AGES_A_SECOND = 1,
};

/*
 *	hit	a get and a put that find what they need on their CPU
 *	depot	a visit: a magazine comes, sooner or later another goes
 *	slab	an object from a span of which nothing is cached
 *	heap	a run of pages taken and given back
 *	fence	an ageing cycle's membarrier, with all that it does
 *	line	a cache line that another CPU has written comes here
 */
struct costs {
	double hit, depot, slab, heap, fence, line;
};

/* Of one operation. */
struct mix {
	double hits, visits, objects, pages;
};

enum {
	DEPOT,
	SLAB_LOCK,
	HEAP_LOCK,
	SERVERS
};

struct demand {
	double alone, at[SERVERS];
};

/* serial: all of a visit is under its lock, and each brings lines; else none */
struct demand demand_of(const struct costs *cost, const struct mix *mix,
			bool serial, unsigned int cpus);

/* Operations a second of n CPUs, by mean value analysis. */
double throughput(const struct demand *d, unsigned int n);

/* The same in millions. */
double predicted(const struct costs *cost, const struct mix *mix, bool serial,
		 unsigned int cpus);

/* Millions a second: each of n CPUs did ops operations in ns. */
double measured_rate(double ops, double ns, unsigned int n);

/* Is it between the two, or not further from them than BAND_SLACK of it? */
#define BAND_SLACK 0.1
bool in_band(double is, double least, double most);

#endif /* BENCH_QUEUE_H */
