/* SPDX-License-Identifier: MIT */
/* bench/clock.c - a clock that stops while others have the CPU */
#include <time.h>

#include "bench/bench.h"

uint64_t thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}
