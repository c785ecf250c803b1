/* SPDX-License-Identifier: MIT */
/*
 * bench/model.c - throughput for 1 to 512 CPUs, from what one CPU costs
 *
 * What each path costs is measured on one CPU, how often it is taken is read
 * from percu's counters, and a queueing model says what N CPUs make of it.  A
 * CPU works on its own, and now and then waits its turn at one of two servers:
 * the depot of the pool, and the page heap.  Mean value analysis gives the
 * throughput of such a closed network exactly, if service times are random.
 *
 * How much of a visit is under the lock is not known from outside.  So there
 * are two answers: all of it, and each visit finds the depot's lines in
 * another CPU's cache; or nothing, and only the work counts.  What is measured,
 * at as many CPUs as there are, has to lie between them.
 *
 *	hit	a get and a put that find what they need on their CPU
 *	depot	a visit: a magazine comes, sooner or later another goes
 *	slab	an object from a span of which nothing is cached
 *	heap	a run of pages taken and given back
 *	fence	an ageing cycle's membarrier, with all that it does
 *	line	a cache line that another CPU has written comes here
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <percu/alloc.h>
#include <percu/pool.h>
#include <percu/stats.h>

#include "bench/bench.h"
#include "bench/calls.h"
#include "bench/cases.h"
#include "bench/crew.h"
#include "bench/own_loops.h"

enum {
	SET_OF = 1000,
	LARGE_OF = 64 * KB,
	MOST_CPUS = 512,
	LINES_A_VISIT = 10, /* the lock, the depot's head, a magazine's slots */
	AGES_A_SECOND = 1,
	ROUND_NS = 5 * MSEC,
};

/* Costs in ns. */
static struct {
	double hit, depot, slab, heap, fence, line;
} cost;

static struct percu_pool *sets, *fresh;

/* The paths. ------------------------------------------------------------------- */

static void take_sets(void *pool, uint64_t iters)
{
	static __thread void *slot[SET_OF];

	while (iters--) {
		for (size_t i = 0; i < SET_OF; i++)
			slot[i] = percu_pool_get(pool);
		touch(slot);
		for (size_t i = 0; i < SET_OF; i++)
			percu_pool_put(pool, slot[i]);
	}
}

static void take_fresh(void *pool, uint64_t iters)
{
	while (iters--) {
		take_sets(pool, 1);
		percu_pool_shrink(pool);
	}
}

static void shrink_nothing(void *pool, uint64_t iters)
{
	while (iters--)
		percu_pool_shrink(pool);
}

static void take_large(void *none, uint64_t iters)
{
	(void)none;
	while (iters--) {
		void *p = percu_alloc(LARGE_OF);

		touch(p);
		percu_free(p);
	}
}

static void age(void *none, uint64_t iters)
{
	(void)none;
	while (iters--)
		percu_age();
}

/* Two threads hand a line to and fro. */
static _Alignas(64) _Atomic uint64_t ball;

static void *return_ball(void *none)
{
	uint64_t seen = 1;

	pin(0);
	for (; (seen = atomic_load(&ball)) != 0;)
		if (seen % 2)
			atomic_store(&ball, seen + 1);
	return none;
}

static uint64_t throw_ball(void *none, uint64_t iters)
{
	pthread_t thread;
	uint64_t ns, x = 1;

	(void)none;
	atomic_store(&ball, 2);
	die_unless(!pthread_create(&thread, NULL, return_ball, NULL), "thread");
	ns = thread_ns();
	for (; iters--; x = (x + 2) | 1) {
		atomic_store(&ball, x);
		while (atomic_load(&ball) == x)
			;
	}
	ns = thread_ns() - ns;
	atomic_store(&ball, 0);
	pthread_join(thread, NULL);
	return ns;
}

/* How often, from the counters. */
static double a_get(struct percu_pool *pool, bool made)
{
	struct percu_pool_stats st;

	percu_pool_stats(pool, &st);
	return (double)(made ? st.created : st.misses) / (double)st.gets;
}

static void measure_costs(void)
{
	enum {
		HIT,
		SETS,
		FRESH,
		EMPTY,
		HEAP,
		FENCE,
		LINE
	};
	struct contestant c[] = {
		{ .name = "a pair that hits",
		  .fn = own_loops("pool")->pair,
		  .ctx = make_pool("model-hit", OBJECT) },
		{ .name = "a pair, 1000 out at once",
		  .fn = take_sets,
		  .ctx = sets,
		  .units = SET_OF },
		{ .name = "the same, and all idle memory given back",
		  .fn = take_fresh,
		  .ctx = fresh,
		  .units = SET_OF },
		{ .name = "giving back when there is nothing",
		  .fn = shrink_nothing,
		  .ctx = fresh },
		{ .name = "64 KiB taken and given back", .fn = take_large },
		{ .name = "an ageing cycle", .fn = age },
		{ .name = "a line to another CPU and back",
		  .timed = throw_ball,
		  .iters = by_scale(20000, 20000, 1000) },
	};
	struct contest ct = { .name = "model",
			      .what = "what each path costs on one CPU",
			      .x = NO_X,
			      .c = c,
			      .n = cpus() > 1 ? ARRAY_SIZE(c) : LINE };

	contest(&ct);
	cost.hit = c[HIT].ns.mid;
	cost.depot = (c[SETS].ns.mid - cost.hit) / a_get(sets, false);
	cost.slab = (c[FRESH].ns.mid - c[EMPTY].ns.mid / SET_OF - cost.hit) /
		    a_get(fresh, true);
	cost.heap = c[HEAP].ns.mid;
	cost.fence = c[FENCE].ns.mid;
	/* Who plays ball with somebody that sleeps waits long: by least times. */
	cost.line = cpus() > 1 ? c[LINE].ns.least / 2 : 0;
	row_figure("model", NO_X, "cost: a hit", cost.hit, "ns");
	row_figure("model", NO_X, "cost: a visit to the depot", cost.depot,
		   "ns");
	row_figure("model", NO_X, "cost: an object from a slab", cost.slab,
		   "ns");
	row_figure("model", NO_X, "cost: pages from the heap", cost.heap, "ns");
	row_figure("model", NO_X, "cost: an ageing cycle", cost.fence, "ns");
	row_figure("model", NO_X, "cost: a line from another CPU", cost.line,
		   "ns");
	percu_pool_destroy(c[HIT].ctx);
}

/* The model. ------------------------------------------------------------------- */

enum {
	DEPOT,
	HEAP_LOCK,
	SERVERS
};

/* Of an operation, in ns: on its own CPU, and at each server. */
struct demand {
	double alone, at[SERVERS];
};

/* Mean value analysis: operations a second of n CPUs. */
static double throughput(const struct demand *d, unsigned int n)
{
	double queue[SERVERS] = { 0 }, x = 0;

	for (unsigned int i = 1; i <= n; i++) {
		double wait[SERVERS], all = d->alone;

		for (size_t k = 0; k < SERVERS; k++)
			all += wait[k] = d->at[k] * (1 + queue[k]);
		x = i / all;
		for (size_t k = 0; k < SERVERS; k++)
			queue[k] = x * wait[k];
	}
	return x * 1e9;
}

struct load {
	const char *group, *what;
	void (*fn)(void *ctx, uint64_t iters);
	struct percu_pool *pool;
	uint64_t ops; /* an iteration */
	bool large;
	double visits, objects; /* an operation: to the depot, from a slab */
};

static struct demand demand_of(const struct load *l, bool serial,
			       unsigned int n)
{
	double depot = l->visits * cost.depot, heap = l->large ? cost.heap : 0;
	double fence = cost.fence * AGES_A_SECOND / 1e9; /* of all time */
	struct demand d = { .alone = l->large ? 0 : cost.hit };

	d.alone += l->objects * cost.slab;
	if (!serial) {
		d.alone += depot + heap;
	} else {
		if (n > 1)
			depot += l->visits * LINES_A_VISIT * cost.line;
		d.at[DEPOT] = depot;
		d.at[HEAP_LOCK] = heap;
	}
	d.alone *= 1 + fence;
	return d;
}

static double predicted(const struct load *l, bool serial, unsigned int n)
{
	struct demand d = demand_of(l, serial, n);

	return throughput(&d, n) / 1e6;
}

/* A crew of n that runs the load: what one of it takes, by the clock. */
struct team {
	const struct load *load;
	struct crew *crew;
	unsigned int n;
};

static uint64_t turn(void *ctx, uint64_t iters)
{
	const struct team *t = ctx;

	return crew_run(t->crew, t->load->fn, t->load->pool, iters / 8 + 1,
			iters)
		       .wall /
	       t->n;
}

/*
 * n CPUs against one, in turns, for the machine is now faster and now slower:
 * the speed-up is what can be held against the model's.  By least times, where
 * nobody else had one of the CPUs.
 */
static void check_one(const struct load *l, unsigned int n)
{
	struct team team[] = { { l, crew_start(1, true, NULL), 1 },
			       { l, crew_start(n, true, NULL), n } };
	struct contestant c[] = {
		{ .name = "1 CPU", .timed = turn, .ctx = &team[0] },
		{ .name = "n CPUs, each", .timed = turn, .ctx = &team[1] },
	};
	static const struct pairing pair = { 1, 0, NULL };
	struct contest ct = { .name = l->group,
			      .c = c,
			      .n = ARRAY_SIZE(c),
			      .pairs = &pair,
			      .nr_pairs = 1,
			      .turn_ns = ROUND_NS };
	double alone = predicted(l, false, 1), is;
	struct estimate e;

	contest_run(&ct);
	e = contest_ratio(&ct, 1, 0);
	is = alone * n / e.least;
	row_figure(l->group, n, "measured, as times of 1 CPU", is, "M/s");
	row_figure(l->group, n, "measured / predicted at least",
		   is / predicted(l, true, n), "x");
	row_figure(l->group, n, "measured / predicted at most",
		   is / predicted(l, false, n), "x");
	contest_end(&ct);
	crew_stop(team[1].crew);
	crew_stop(team[0].crew);
}

static void predict(struct load *l)
{
	char text[ROW_NOTE];

	l->visits = l->pool ? a_get(l->pool, false) : 0;
	row_title(l->group, l->what, "CPUs");
	snprintf(text, sizeof(text),
		 "visits to the depot: %.5f of an operation, by the counters",
		 l->visits);
	row_remark(l->group, text);
	for (unsigned int n = 1; n <= MOST_CPUS; n *= 2) {
		row_figure(l->group, n, "predicted at least",
			   predicted(l, true, n), "M/s");
		row_figure(l->group, n, "predicted at most",
			   predicted(l, false, n), "M/s");
	}
	for (unsigned int n = 2; n < cpus(); n *= 2)
		check_one(l, n);
	if (cpus() > 1)
		check_one(l, cpus());
}

bool case_model(void)
{
	static const char *const assumed[] = {
		"each CPU runs one thread, at the speed that one has alone",
		"at least: all of a visit to a depot or the heap is under its lock",
		"at least: a visit brings 10 lines from another CPU's cache",
		"at most: nothing of it is under a lock, and no line comes",
		"who waits for a lock loses the time, and nothing else",
		"all CPUs use one pool, and no object crosses to another CPU",
		"memory is aged once a second; bandwidth is no bound",
	};
	struct load loads[] = {
		{ .group = "model-pair",
		  .what = "every get and put hits",
		  .fn = own_loops("pool")->pair,
		  .ops = 1 },
		{ .group = "model-sets",
		  .what = "each CPU has 1000 objects out at once",
		  .fn = take_sets,
		  .ops = SET_OF },
		{ .group = "model-large",
		  .what = "64 KiB at a time: every call takes the heap's lock",
		  .fn = take_large,
		  .ops = 1,
		  .large = true },
	};

	sets = make_pool("model-sets", OBJECT);
	fresh = make_pool("model-fresh", OBJECT);
	loads[0].pool = make_pool("model-pair", OBJECT);
	loads[1].pool = sets;
	pin_last();
	measure_costs();
	for (size_t i = 0; i < ARRAY_SIZE(assumed); i++)
		row_remark("model", assumed[i]);
	loads[0].fn(loads[0].pool, 1000000);
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++)
		predict(&loads[i]);
	percu_pool_destroy(loads[0].pool);
	percu_pool_destroy(fresh);
	percu_pool_destroy(sets);
	return true;
}
