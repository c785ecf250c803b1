/* SPDX-License-Identifier: MIT */
/*
 * bench/method.c - contestants take turns
 *
 *	calibrate each: as many iterations as fill one turn
 *	repeat: a turn of each, beginning with the next one each time
 *	the first rounds warm up and are forgotten
 *	until all ratios are known well enough, or the time is over
 *
 * To look at the interval and stop when it is narrow makes it a little too
 * narrow; it is looked at every few rounds only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

enum {
	WARM_UP = 3,
	MIN_ROUNDS = 15,
	MAX_ROUNDS = 401,
	LOOK_EVERY = 8,
	TURN_NS = 2 * MSEC,
};

static const double CLOSE_ENOUGH = 0.03;

/*
 * One turn, in ns.  The eighth before it brings the loop back into the caches
 * that the contestant before it has used.
 */
static double turn(struct contestant *c)
{
	uint64_t t;

	if (c->timed)
		return (double)c->timed(c->ctx, c->iters);
	c->fn(c->ctx, c->iters / 8 + 1);
	t = thread_ns();
	c->fn(c->ctx, c->iters);
	return (double)(thread_ns() - t);
}

static void calibrate(struct contestant *c, double turn_ns)
{
	double ns;

	if (c->iters)
		return;
	for (c->iters = 1;;) {
		ns = turn(c);
		if (ns >= turn_ns / 2) {
			double again = turn(c); /* the first may have waited */

			ns = again < ns ? again : ns;
			if (ns >= turn_ns / 2)
				break;
		}
		c->iters *= ns > turn_ns / 32 ? 2 : 8;
	}
	c->iters = (uint64_t)((double)c->iters * turn_ns / ns) + 1;
}

/* Estimates. ------------------------------------------------------------------ */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * As many of n values lie below their true median as coins show heads: n/2,
 * give or take 1.96 times sqrt(n)/2, with 95 %.
 */
struct estimate estimate(double *v, size_t n)
{
	double below = ((double)n - 1.96 * sqrt((double)n)) / 2;
	size_t lo = below > 0 ? (size_t)below : 0;

	qsort(v, n, sizeof(*v), by_value);
	return (struct estimate){
		.mid = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2,
		.lo = v[lo],
		.hi = v[n - 1 - lo],
		.least = v[0],
		.rounds = (unsigned int)n,
	};
}

static double units(const struct contestant *c)
{
	return c->units ? c->units : 1;
}

static const double *turns(const struct contest *ct, size_t i)
{
	return ct->turn + i * MAX_ROUNDS;
}

static double least(const double *v, size_t n)
{
	double x = v[0];

	while (n--)
		x = v[n] < x ? v[n] : x;
	return x;
}

static struct estimate time_of(const struct contest *ct, size_t i)
{
	double v[MAX_ROUNDS];

	for (size_t r = 0; r < ct->rounds; r++)
		v[r] = turns(ct, i)[r] / units(&ct->c[i]);
	return estimate(v, ct->rounds);
}

struct estimate contest_ratio(const struct contest *ct, size_t a, size_t b)
{
	double per = units(&ct->c[b]) / units(&ct->c[a]);
	double v[MAX_ROUNDS];
	struct estimate e;

	for (size_t r = 0; r < ct->rounds; r++)
		v[r] = turns(ct, a)[r] / turns(ct, b)[r] * per;
	e = estimate(v, ct->rounds);
	e.least = least(turns(ct, a), ct->rounds) /
		  least(turns(ct, b), ct->rounds) * per;
	return e;
}

/* Ratios. --------------------------------------------------------------------- */

enum {
	NONE = -1
};

/* The contestant of that role with the least median; NONE. */
static int first_of(const struct contest *ct, enum role role)
{
	int best = NONE;

	for (size_t i = 0; i < ct->n; i++)
		if (ct->c[i].role == role &&
		    (best == NONE || ct->c[i].ns.mid < ct->c[best].ns.mid))
			best = (int)i;
	return best;
}

/* Calls fn for each ratio of the contest; name: the row's. */
static void each_ratio(const struct contest *ct,
		       void (*fn)(const struct contest *ct, size_t a, size_t b,
				  const char *name, const char *note,
				  void *arg),
		       void *arg)
{
	int limit = first_of(ct, LIMIT), peer = first_of(ct, PEER);
	char name[ROW_NAME];

	for (size_t i = 0; i < ct->n; i++) {
		if (ct->c[i].role != OURS)
			continue;
		snprintf(name, sizeof(name), "%s / limit", ct->c[i].name);
		if (limit != NONE)
			fn(ct, i, (size_t)limit, name, "", arg);
		snprintf(name, sizeof(name), "best peer / %s", ct->c[i].name);
		if (peer != NONE)
			fn(ct, (size_t)peer, i, name, ct->c[peer].name, arg);
	}
	for (size_t i = 0; i < ct->nr_pairs; i++) {
		const struct pairing *p = &ct->pairs[i];

		snprintf(name, sizeof(name), "%s / %s", ct->c[p->a].name,
			 ct->c[p->b].name);
		fn(ct, p->a, p->b, p->name ? p->name : name, "", arg);
	}
}

static void widen(const struct contest *ct, size_t a, size_t b,
		  const char *name, const char *note, void *arg)
{
	struct estimate e = contest_ratio(ct, a, b);
	double *widest = arg, width = (e.hi - e.lo) / e.mid;

	(void)name;
	(void)note;
	if (!(width <= *widest))
		*widest = width;
}

static bool settled(struct contest *ct)
{
	double widest = 0;

	for (size_t i = 0; i < ct->n; i++)
		ct->c[i].ns = time_of(ct, i);
	each_ratio(ct, widen, &widest);
	return widest < CLOSE_ENOUGH;
}

/* The contest. ----------------------------------------------------------------- */

static bool over(struct contest *ct, uint64_t deadline)
{
	if (ct->rounds < by_scale(MIN_ROUNDS, MIN_ROUNDS, 3))
		return false;
	if (ct->rounds == MAX_ROUNDS || wall_ns() > deadline)
		return true;
	return ct->rounds % LOOK_EVERY == 0 && settled(ct);
}

static uint64_t budget_ns(void)
{
	return opt.budget ? (uint64_t)opt.budget * MSEC :
			    by_scale(1000, 300, 1) * MSEC;
}

void contest_run(struct contest *ct)
{
	double turn_ns = (double)(ct->turn_ns ? ct->turn_ns : TURN_NS) /
			 (double)by_scale(1, 1, 20);
	unsigned int warm = (unsigned int)by_scale(WARM_UP, WARM_UP, 1);
	uint64_t deadline;

	ct->turn = calloc(ct->n * MAX_ROUNDS, sizeof(*ct->turn));
	die_unless(ct->turn, ct->name);
	for (size_t i = 0; i < ct->n; i++)
		calibrate(&ct->c[i], turn_ns);
	deadline = wall_ns() + budget_ns();
	ct->rounds = 0;
	for (size_t r = 0; r < warm || !over(ct, deadline); r++) {
		for (size_t i = 0; i < ct->n; i++) {
			size_t k = (i + r) % ct->n;
			double t = turn(&ct->c[k]) / (double)ct->c[k].iters;

			/* A clock that has not moved is no ratio's. */
			ct->turn[k * MAX_ROUNDS + ct->rounds] = t > 0 ? t :
									1e-6;
		}
		ct->rounds += r >= warm;
	}
	settled(ct);
}

static void ratio_row(const struct contest *ct, size_t a, size_t b,
		      const char *name, const char *note, void *none)
{
	struct estimate e = contest_ratio(ct, a, b);

	(void)none;
	row_ratio(ct->name, ct->x, name, &e, note);
}

void contest_rows(const struct contest *ct)
{
	static const char *const role[] = { "", "limit", "ours", "peer" };

	row_title(ct->name, ct->what, ct->axis);
	for (size_t i = 0; i < ct->n; i++)
		row_time(ct->name, ct->x, ct->c[i].name, &ct->c[i].ns,
			 role[ct->c[i].role]);
	each_ratio(ct, ratio_row, NULL);
}

void contest_end(struct contest *ct)
{
	free(ct->turn);
	ct->turn = NULL;
}

void contest(struct contest *ct)
{
	contest_run(ct);
	contest_rows(ct);
	contest_end(ct);
}
