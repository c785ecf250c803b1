/* SPDX-License-Identifier: MIT */
/*
 * bench/method.c - contestants take turns
 *
 *	calibrate each: as many iterations as fill one turn
 *	repeat: a turn of each, beginning with the next one each time
 *	the first rounds warm up and are forgotten
 *	until all ratios are known well enough, or the time is over
 *
 * Two things make the interval narrower than the 95 % that it is said to hold.
 * To look at it and stop when it is narrow picks lucky ones: it is looked at in
 * every eighth round only.  And rounds that follow each other are alike, for a
 * neighbour stays for many of them: order statistics take them for as many as
 * there are.  What is to fail on a figure asks other processes, see check.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

enum {
	WARM_UP = 3,
	MIN_ROUNDS = 15,
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
 * As many of n values lie below their true median as of n coins show heads.
 * The interval from the value of rank r misses it on that side if r of them or
 * fewer do: the sum of the binomial distribution up to r, which may be 2.5 %.
 */
size_t estimate_rank(size_t n)
{
	double p = ldexp(1, -(int)n), sum = p;
	size_t r = 0;

	for (;;) {
		p *= (double)(n - r) / (double)(r + 1);
		sum += p;
		if (!(sum <= 0.025))
			return r;
		r++;
	}
}

bool estimate_wide(const struct estimate *e)
{
	return e->rounds > 1 && !((e->hi - e->lo) / e->mid < CLOSE_ENOUGH);
}

struct estimate estimate(double *v, size_t n)
{
	size_t lo = estimate_rank(n);

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
		if (ct->c[i].role != OURS && ct->c[i].role != OURS_INLINED)
			continue;
		snprintf(name, sizeof(name), "%s / limit", ct->c[i].name);
		if (limit != NONE && ct->c[i].role == OURS)
			fn(ct, i, (size_t)limit, name, "", arg);
		snprintf(name, sizeof(name), "best peer / %s", ct->c[i].name);
		if (peer != NONE)
			fn(ct, (size_t)peer, i, name, ct->c[peer].name, arg);
	}
	for (size_t i = 0; i < ct->nr_pairs; i++) {
		const struct pairing *p = &ct->pairs[i];

		snprintf(name, sizeof(name), "%s / %s", ct->c[p->a].name,
			 ct->c[p->b].name);
		fn(ct, p->a, p->b, p->name ? p->name : name,
		   ct->c[p->a].role == PEER && ct->c[p->b].role == OURS ?
			   ct->c[p->a].name :
			   "",
		   arg);
	}
}

struct known {
	size_t ratios;
	bool wide; /* one of them */
};

static void look(const struct contest *ct, size_t a, size_t b, const char *name,
		 const char *note, void *arg)
{
	struct estimate e = contest_ratio(ct, a, b);
	struct known *k = arg;

	(void)name;
	(void)note;
	k->ratios++;
	k->wide |= estimate_wide(&e);
}

bool contest_settled(struct contest *ct)
{
	struct known k = { 0 };

	for (size_t i = 0; i < ct->n; i++)
		ct->c[i].ns = time_of(ct, i);
	each_ratio(ct, look, &k);
	for (size_t i = 0; !k.ratios && i < ct->n; i++)
		k.wide |= estimate_wide(&ct->c[i].ns);
	return !k.wide;
}

/* The contest. ----------------------------------------------------------------- */

static bool over(struct contest *ct, uint64_t deadline)
{
	if (ct->rounds < by_scale(MIN_ROUNDS, MIN_ROUNDS, 3))
		return false;
	if (ct->rounds == MAX_ROUNDS || wall_ns() > deadline)
		return true;
	return ct->rounds % LOOK_EVERY == 0 && contest_settled(ct);
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
	contest_settled(ct);
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
	row_title(ct->name, ct->what, ct->axis);
	for (size_t i = 0; i < ct->n; i++)
		row_time(ct->name, ct->x, ct->c[i].name, &ct->c[i].ns,
			 ct->c[i].role);
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
