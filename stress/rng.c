// SPDX-License-Identifier: MIT
/*
 * stress/rng.c - random numbers that a seed repeats
 *
 * splitmix64 (Steele, Lea, Flood 2014): one addition and a finaliser, any
 * seed is a good one, and mix64() of a counter is as good as the sequence.
 * The normal law is the sum of twelve uniform ones (Irwin-Hall), and 2^x is
 * taken as linear between powers of two: a size within 6 % of the true law's,
 * without libm.
 */
#include "stress.h"

uint64_t mix64(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

uint64_t rng_next(struct rng *r)
{
	r->state += 0x9e3779b97f4a7c15u;
	return mix64(r->state);
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)(((rng_next(r) >> 32) * n) >> 32);
}

static double rng_normal(struct rng *r)
{
	double sum = -6.0;

	for (int i = 0; i < 6; i++) {
		uint64_t x = rng_next(r);

		sum += (double)(uint32_t)x / 4294967296.0;
		sum += (double)(x >> 32) / 4294967296.0;
	}
	return sum;
}

size_t rng_lognormal(struct rng *r, double log2_median, double log2_sigma,
		     size_t max)
{
	double x = log2_median + log2_sigma * rng_normal(r);
	unsigned int whole;
	double size;

	if (x < 0)
		return rng_below(r, 2);
	whole = (unsigned int)x;
	if (whole > 40)
		return max;
	size = (double)(1ull << whole) * (1.0 + x - whole);
	return size < (double)max ? (size_t)size : max;
}
