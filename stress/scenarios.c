// SPDX-License-Identifier: MIT
/*
 * stress/scenarios.c - what there is to run
 */
#include "stress.h"

const struct scenario scenarios[NR_SCENARIOS] = {
	{ "words", "count the words of real text, against a plain count",
	  words_run, true },
	{ "churn", "random use of every kind of pool and every size of block",
	  churn_run, false },
	{ "pipeline", "objects pass from worker to worker through channels",
	  pipeline_run, false },
	{ "handover", "objects made on one CPU and given back on another",
	  handover_run, false },
	{ "drain", "get and put beside a thread that drains without a pause",
	  drain_run, false },
	{ "vec", "vectors read by threads while others edit them", vec_run,
	  false },
	{ "balancer", "HTTP over loopback, while backends come and go",
	  balancer_run, false },
	{ "slices", "buffers cut, shared, cloned and dropped by many",
	  slices_run, false },
	{ "replay", "what real programs allocated, by recorded traces",
	  replay_run, false },
};
