/* SPDX-License-Identifier: MIT */
/*
 * bench/queue.c - the arithmetic of the model
 *
 * A CPU works on its own, and now and then waits its turn at a server.  Mean
 * value analysis (Reiser and Lavenberg, 1980) gives the throughput of such a
 * closed network exactly, if service times are exponential: who arrives finds
 * the queue that the network with one CPU less has on average.
 */
#include "bench/queue.h"

double throughput(const struct demand *d, unsigned int n)
{
	double queue[SERVERS] = { 0 }, x = 0;

	for (unsigned int i = 1; i <= n; i++) {
		double wait[SERVERS], all = d->alone;

		for (size_t k = 0; k < SERVERS; k++)
			all += wait[k] = d->at[k] * (1 + queue[k]);
		x = i / all;
		for (size_t k = 0; k < SERVERS; k++)
			queue[k] = x * wait[k];
	}
	return x * 1e9;
}

struct demand demand_of(const struct costs *cost, const struct mix *mix,
			bool serial, unsigned int cpus)
{
	double depot = mix->visits * cost->depot;
	double slab = mix->objects * cost->slab;
	double heap = mix->pages * cost->heap;
	double fence = cost->fence * AGES_A_SECOND / 1e9; /* of all time */
	struct demand d = { .alone = mix->hits * cost->hit };

	if (serial) {
		if (cpus > 1)
			depot += mix->visits * LINES_A_VISIT * cost->line;
		d.at[DEPOT] = depot;
		d.at[SLAB_LOCK] = slab;
		d.at[HEAP_LOCK] = heap;
	} else {
		d.alone += depot + slab + heap;
	}
	d.alone *= 1 + fence;
	return d;
}

double predicted(const struct costs *cost, const struct mix *mix, bool serial,
		 unsigned int cpus)
{
	struct demand d = demand_of(cost, mix, serial, cpus);

	return throughput(&d, cpus) / 1e6;
}

double measured_rate(double ops, double ns, unsigned int n)
{
	return ops * n / ns * 1e3;
}

bool in_band(double is, double least, double most)
{
	return is >= least * (1 - BAND_SLACK) && is <= most * (1 + BAND_SLACK);
}
