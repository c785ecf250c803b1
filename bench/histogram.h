/* SPDX-License-Identifier: MIT */
/*
 * bench/histogram.h - how long each of many took
 *
 * Buckets are an eighth of a power of two wide, in ticks of the cheapest
 * clock there is; ticks become ns when they are asked for.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#include "bench/bench.h"

enum {
	EIGHTHS = 8,
	BUCKETS = 64 * EIGHTHS
};

struct histogram {
	uint64_t n;
	uint64_t bucket[BUCKETS];
};

/* On x86 the time-stamp counter, behind what was loaded before. */
static inline uint64_t tick(void)
{
#if defined(__x86_64__)
	uint32_t lo, hi;

	__asm__ __volatile__("lfence\n\trdtsc"
			     : "=a"(lo), "=d"(hi)
			     :
			     : "memory");
	return (uint64_t)hi << 32 | lo;
#else
	return wall_ns();
#endif
}

static inline unsigned int bucket_of(uint64_t ticks)
{
	unsigned int log2;

	if (ticks < EIGHTHS)
		return (unsigned int)ticks;
	log2 = 63 - (unsigned int)__builtin_clzll(ticks);
	return (log2 - 2) * EIGHTHS +
	       (unsigned int)(ticks >> (log2 - 3)) % EIGHTHS;
}

/* The least number of ticks that is counted there. */
static inline uint64_t bucket_from(unsigned int b)
{
	if (b < 2 * EIGHTHS)
		return b;
	return (uint64_t)(EIGHTHS + b % EIGHTHS) << (b / EIGHTHS - 1);
}

static inline void histogram_add(struct histogram *h, uint64_t ticks)
{
	h->n++;
	h->bucket[bucket_of(ticks)]++;
}

#endif /* BENCH_HISTOGRAM_H */
