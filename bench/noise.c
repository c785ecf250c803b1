/* SPDX-License-Identifier: MIT */
/*
 * bench/noise.c - what the machine was busy with besides
 *
 * The neighbours of a benchmark are part of its result: the rounds let them
 * fall on all contestants alike, but what is bound by the width of the core
 * suffers more from a busy sibling than what waits for its own loads.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/bench.h"

/* Seconds of all CPUs since the machine started: idle or not. */
struct spent {
	double busy, all;
	double ours;
};

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double used(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return seconds(u.ru_utime) + seconds(u.ru_stime);
}

/* user nice system idle iowait irq softirq steal */
static struct spent spent(void)
{
	enum {
		IDLE = 3,
		IOWAIT = 4,
		FIELDS = 8
	};
	struct spent s = { .ours = used(RUSAGE_SELF) + used(RUSAGE_CHILDREN) };
	FILE *f = fopen("/proc/stat", "r");
	double ticks;

	if (!f || fscanf(f, "cpu"))
		return s;
	for (int i = 0; i < FIELDS && fscanf(f, "%lf", &ticks) == 1; i++) {
		s.all += ticks / (double)sysconf(_SC_CLK_TCK);
		if (i != IDLE && i != IOWAIT)
			s.busy += ticks / (double)sysconf(_SC_CLK_TCK);
	}
	fclose(f);
	return s;
}

double noise(void)
{
	static struct spent before;
	struct spent now = spent(), d;

	d.all = now.all - before.all;
	d.busy = now.busy - before.busy;
	d.ours = now.ours - before.ours;
	before = now;
	return d.all > 0 && d.busy > d.ours ? 100 * (d.busy - d.ours) / d.all :
					      0;
}
