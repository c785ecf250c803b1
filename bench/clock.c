/* SPDX-License-Identifier: MIT */
/* bench/clock.c - clocks: one stops while others have the CPU, one does not */
#include <time.h>

#include "bench/bench.h"

static uint64_t now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t thread_ns(void)
{
	return now(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t process_ns(void)
{
	return now(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t wall_ns(void)
{
	return now(CLOCK_MONOTONIC);
}
