/* SPDX-License-Identifier: MIT */
/* bench/clock.c - two clocks */
#include <time.h>

#include "bench/bench.h"

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t wall_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t thread_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}
