/* SPDX-License-Identifier: MIT */
/*
 * stress/sampler.h - the statistics over time
 */
#ifndef STRESS_SAMPLER_H
#define STRESS_SAMPLER_H

#include "stress.h"

enum {
	SAMPLES = 600
};

struct sample {
	uint64_t ns; /* since the start */
	/* These go up and down: the highest since the sample before. */
	uint64_t live, objects, cached, deferred, resident;
	uint64_t by_size[PERCU_NR_CLASSES_MAX + 1]; /* bytes; the last: large */
	/* These only grow. */
	uint64_t operations; /* objects and blocks, got and put */
	uint64_t grace_periods, grace_ns;
	uint64_t fired[NR_FAULTS];
};

void sampler_prepare(void); /* before resident memory is first looked at */
void sampler_begin(void);
void sampler_end(void);
bool sampler_ended(void);     /* nobody writes samples any more */
uint64_t sampler_start(void); /* ns */
const struct sample *sampler_all(size_t *n);

/* progress.c: by the sampler, at each of its ticks. */
void progress_show(const struct sample *now);

#endif /* STRESS_SAMPLER_H */
