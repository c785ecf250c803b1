/* SPDX-License-Identifier: MIT */
/*
 * stress/report.h - the page that a run leaves
 *
 *	strip	a plot's drawing: as wide as the page, with time from left to
 *		right, 0 to 1000 whatever the width; what is written stands
 *		beside it, so that it is as large on a phone as on a desk
 */
#ifndef STRESS_REPORT_H
#define STRESS_REPORT_H

#include "sampler.h"

/* What a run comes to in a few numbers; in the page and in the JSON. */
struct figures {
	uint64_t operations; /* objects and blocks, got and put */
	uint64_t peak_live, peak_cached, peak_deferred, peak_resident;
	uint64_t grace_periods, grace_mean_ns, grace_max_ns;
	uint64_t faults, samples;
};

struct figures figures_of_run(void);
/* Calls fn with the name and the value of each. */
void figures_each(const struct figures *f,
		  void (*fn)(const char *name, uint64_t value, void *arg),
		  void *arg);

/* report.c */
void report_forget(
	const char *dir); /* of an earlier run, so that no page lies */
bool report_write(const struct options *o);

/* plot.c: each is a <figure> of the page */
enum {
	PLOT_WIDTH = 1000
};

void plots_write(FILE *f);
bool part_is_inner(const struct part *p); /* of a mixed one */
/* Where a part begins and how long it goes on, of PLOT_WIDTH. */
void part_place(const struct part *p, double *x, double *width);

/* timeline.c */
void timeline_write(FILE *f);

/* style.c */
extern const char report_style[];

#endif /* STRESS_REPORT_H */
