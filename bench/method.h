/* SPDX-License-Identifier: MIT */
/*
 * bench/method.h - how anything is measured
 *
 * Only ratios survive a change of machine, so everything is measured against
 * something else, in one run: the contestants of a contest take turns, a few
 * milliseconds each, round by round, and a slow second of the machine falls on
 * all of them.  A ratio is taken within each round; what counts is the median
 * of the rounds, between the two order statistics that hold the true median
 * with 95 % at least.  The first rounds warm up and are forgotten.  There are
 * rounds, 15 to 401, until each of the contest's ratios is known to 3 %, or its
 * time is over; of a contest without ratios, each of its times.
 *
 * fn is measured in time on the CPU, which a neighbour's load does not stretch;
 * timed says itself what it took, by the clock that its case names.
 *
 * contestant	a loop that is timed
 * round	one turn of every contestant
 * limit	the contestant that no other can beat: what the machine takes
 * ours, peer	percu, and who else does the same
 * estimate	a median, its interval, and the same of the least times
 * wide		an estimate that is known less well than to 3 %
 */
#ifndef BENCH_METHOD_H
#define BENCH_METHOD_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MAX_ROUNDS = 401
};

enum role {
	PLAIN, /* is shown, and in the ratios that the contest lists */
	LIMIT, /* every one of ours is divided by it */
	OURS,
	PEER,         /* the fastest of them is divided by every one of ours */
	OURS_INLINED, /* ours, reached by no call: the limit behind one is none */
};

struct estimate {
	double mid, lo, hi;
	double least;        /* by least times: what disturbs least */
	unsigned int rounds; /* that it is made of */
};

struct contestant {
	const char *name;
	enum role role;
	void (*fn)(void *ctx, uint64_t iters);        /* is timed; or */
	uint64_t (*timed)(void *ctx, uint64_t iters); /* says itself: ns */
	void *ctx;
	unsigned int units; /* what one iteration counts for; 0 is 1 */
	uint64_t iters;     /* of a turn; 0: as many as fill turn_ns */
	struct estimate ns; /* out: of a unit */
};

/* The a-th contestant's time divided by the b-th's, besides those by role. */
struct pairing {
	size_t a, b;
	const char *name; /* of the row; NULL: "a / b" by their names */
};

#define NO_X ((double)NAN)

struct contest {
	const char *name; /* the case's, or begins with it and a "-" */
	const char *what; /* one line: what is timed; one text for a curve */
	double x;         /* what the points of a curve differ in, or NO_X */
	const char *axis; /* what x is */
	struct contestant *c;
	size_t n;
	const struct pairing *pairs;
	size_t nr_pairs;
	uint64_t turn_ns; /* 0: the usual length */
	double *turn;     /* private: ns of an iteration, MAX_ROUNDS of each */
	unsigned int rounds;
};

/* Measures, and makes the rows: a time of each, and the ratios. */
void contest(struct contest *ct);

/* The same in steps, for who wants more of it; contest_end() frees. */
void contest_run(struct contest *ct);
void contest_rows(const struct contest *ct);
struct estimate contest_ratio(const struct contest *ct, size_t a, size_t b);
void contest_end(struct contest *ct);

/* Of n values, which it sorts; least is the first of them. */
struct estimate estimate(double *v, size_t n);

/*
 * The rank, from 0, of the lower end of the interval, as deep as it can be;
 * the upper end has the same from above.  Fewer than six values have none that
 * holds their median with 95 %: there it is 0, and the interval is all of them,
 * which holds it with 94 % if they are five, 88 of four, 75 of three.
 */
size_t estimate_rank(size_t n);

/* Known to less than 3 %: the contest's time was over before. */
bool estimate_wide(const struct estimate *e);

/* Is what a contest is about known to 3 %?  Sets the times, from ct->turn. */
bool contest_settled(struct contest *ct);

#endif /* BENCH_METHOD_H */
