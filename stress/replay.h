/* SPDX-License-Identifier: MIT */
/*
 * stress/replay.h - a stretch of a trace, made ready to be played
 *
 * A trace is played a leg at a time.  A leg is some thousands of its events,
 * sorted by the thread whose they are.  What one thread does to a slot that
 * another has used before in the same leg must wait for it:
 *
 *	edge	from the last event of a slot to its next one, where they are
 *		of different threads; a number from 1 on in each leg
 *
 * Events stand in an order that was possible, so there is always one that need
 * not wait: the earliest that is left.
 */
#ifndef STRESS_REPLAY_H
#define STRESS_REPLAY_H

#include "traces.h"

enum {
	LEG = 1 << 13, /* events */
};

struct play {
	uint64_t size;
	uint32_t slot;
	uint32_t awaits, passes; /* edges; 0: none */
	uint8_t op, align;
};

/* What a thread does in the leg: plays first .. first + n - 1. */
struct run {
	uint32_t thread, first, n;
};

struct leg {
	struct play plays[LEG];
	struct run *runs;
	uint32_t nr_runs, nr_plays, nr_edges;
	/* private: */
	uint32_t nth;
	struct {
		struct play play;
		uint32_t run;
	} read[LEG];
	struct {
		uint32_t leg, play, run;
	} * last; /* of a slot */
	struct {
		uint32_t leg, run;
	} * run_of; /* of a thread */
};

struct leg *leg_new(const struct trace *sum);
void leg_free(struct leg *l);
/* The next leg of the trace; false: that was all. */
bool leg_read(struct leg *l, struct trace *t);

#endif /* STRESS_REPLAY_H */
