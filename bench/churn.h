/* SPDX-License-Identifier: MIT */
/*
 * bench/churn.h - a long random life of blocks of many sizes
 *
 * A worker that answers
 *
 *	fill BYTES	allocate blocks until they make up BYTES: how many
 *	churn OPS	free a random block and allocate another, OPS times: ns
 *	mix K		sizes are drawn from the K-th of four mixes from now on
 *	drift BYTES	free nine in ten blocks, then fill BYTES again: how many
 *	live		bytes asked for in blocks that are there
 *	free		free them all
 *
 * and passes what it does not know on to answer.
 */
#ifndef BENCH_CHURN_H
#define BENCH_CHURN_H

#include <stddef.h>
#include <stdint.h>

struct churn {
	void *(*alloc)(size_t size);
	void (*free)(void *p);
	uint64_t (*answer)(void *ctx, const char *what, uint64_t arg);
};
int serve_churn(const struct churn *c);

#endif /* BENCH_CHURN_H */
