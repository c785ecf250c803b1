/* SPDX-License-Identifier: MIT */
/*
 * bench/churn_serve.c - blocks live and die at random
 *
 * Sizes are log-normal, as a server's are: 128 bytes in the middle, 400 on
 * average, one in a thousand over 10 KB.  Every byte of a block is written, so
 * that what is asked for is also resident.  The tables are written before the
 * first question: what is resident then is not the allocator's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/churn.h"

enum {
	MAX_BLOCKS = 1 << 20,
	NR_SIZES = 1 << 16,
	MAX_SIZE = MB
};

static const double LOG2_MEDIAN = 7, LOG2_SIGMA = 2.16;
static const double mixes[] = { 7, 10, 5, 12 }; /* medians, in turn */

static struct block {
	void *p;
	size_t size;
} blocks[MAX_BLOCKS];
static const struct churn *churned;
static size_t nr_blocks;
static size_t live;
static uint32_t sizes[NR_SIZES];

/* splitmix64 */
static uint64_t random_word(void)
{
	static uint64_t seed = 42;
	uint64_t x = seed += 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(((random_word() >> 32) * n) >> 32);
}

/*
 * Twelve uniform numbers add up to one that is as good as normal, and between
 * powers of two a straight line is as good as the exponential.
 */
static uint32_t log_normal(double x)
{
	double z = -6;
	double size;

	for (int i = 0; i < 12; i++)
		z += (double)(random_word() >> 32) / 4294967296.0;
	x += z * LOG2_SIGMA;
	if (x < 0)
		return 1;
	size = (double)(1ull << (int)x) * (1 + x - (int)x);
	return size < MAX_SIZE ? (uint32_t)size : MAX_SIZE;
}

static void renew(struct block *b)
{
	if (b->p)
		churned->free(b->p);
	live -= b->size;
	b->size = sizes[below(NR_SIZES)];
	b->p = churned->alloc(b->size);
	if (!b->p)
		abort();
	memset(b->p, 0x5a, b->size);
	live += b->size;
}

static uint64_t fill(uint64_t bytes)
{
	while (live < bytes && nr_blocks < MAX_BLOCKS)
		renew(&blocks[nr_blocks++]);
	return nr_blocks;
}

static uint64_t churn(uint64_t ops)
{
	uint64_t start = thread_ns();

	while (ops--)
		renew(&blocks[below((uint32_t)nr_blocks)]);
	return thread_ns() - start;
}

static void draw_sizes(double log2_median)
{
	for (size_t i = 0; i < NR_SIZES; i++)
		sizes[i] = log_normal(log2_median);
}

static void drop(struct block *b)
{
	churned->free(b->p);
	live -= b->size;
	*b = blocks[--nr_blocks];
	blocks[nr_blocks] = (struct block){ 0 };
}

/*
 * All but a tenth of the blocks, which ones is chance, make room for others,
 * with never more than bytes live.
 */
static uint64_t drift(size_t bytes)
{
	for (size_t left = nr_blocks / 10; nr_blocks > left;)
		drop(&blocks[below((uint32_t)nr_blocks)]);
	return fill(bytes);
}

static uint64_t free_all(void)
{
	for (size_t i = 0; i < nr_blocks; i++)
		churned->free(blocks[i].p);
	memset(blocks, 0, nr_blocks * sizeof(blocks[0]));
	nr_blocks = 0;
	live = 0;
	return 0;
}

static uint64_t answer(void *ctx, const char *what, uint64_t arg)
{
	if (!strcmp(what, "fill"))
		return fill(arg);
	if (!strcmp(what, "churn"))
		return churn(arg);
	if (!strcmp(what, "mix")) {
		draw_sizes(mixes[arg % ARRAY_SIZE(mixes)]);
		return 0;
	}
	if (!strcmp(what, "drift"))
		return drift(arg);
	if (!strcmp(what, "live"))
		return live;
	if (!strcmp(what, "free"))
		return free_all();
	return churned->answer ? churned->answer(ctx, what, arg) : 0;
}

int serve_churn(const struct churn *c)
{
	const struct service s = { .answer = answer };

	churned = c;
	draw_sizes(LOG2_MEDIAN);
	for (size_t i = 0; i < MAX_BLOCKS; i += 64) {
		blocks[i].p = NULL;
		touch(blocks);
	}
	return serve(&s);
}
