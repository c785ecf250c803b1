/* SPDX-License-Identifier: MIT */
/*
 * bench/model.c - throughput for 1 to 512 CPUs, from what one CPU costs
 *
 * What each path costs is measured on one CPU, how often it is taken is read
 * from percu's counters, and a queueing model says what N CPUs make of it:
 * queue.h.  Three servers: the depot of the pool, its slabs, the page heap.
 *
 * How much of a visit is under the lock is not known from outside.  So there
 * are two answers: all of it, and each visit finds the depot's lines in
 * another CPU's cache; or nothing, and only the work counts.  The second grows
 * in proportion to the CPUs, for it says what there would be without locks.
 *
 * Then it is measured: 1, 2, 4 .. CPUs run the load, and what they have done is
 * divided by the time that they took, whatever was predicted.  Of both sides the
 * least times count, when nobody else had one of the CPUs.  What lies outside
 * the two answers by more than a tenth is counted, and percu-bench model fails if
 * there is any.  The guard does not ask: beside busy neighbours two CPUs are less
 * than two, and no least time tells.
 * For one CPU both answers are the same, and of loads that costs come from it
 * is no wonder that they are right: model-some is none of these.
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
#include "bench/queue.h"

enum {
	SET_OF = 1000,
	SOME_OF = 8000,
	MANY_OF = 50000, /* 3 MB: more than is cached on a CPU, and in depots */
	LARGE_OF = 64 * KB,
	MOST_CPUS = 512,
	ROUND_NS = 5 * MSEC,
};

static struct costs cost;
static struct percu_pool *sets, *many;

/* The paths. ------------------------------------------------------------------- */

static __thread void **slot;

static void slots_free(void)
{
	free(slot);
	slot = NULL;
}

static void take(void *pool, uint64_t iters, size_t n)
{
	if (!slot)
		slot = calloc(MANY_OF, sizeof(*slot));
	die_unless(slot, "slots");
	while (iters--) {
		for (size_t i = 0; i < n; i++)
			slot[i] = percu_pool_get(pool);
		touch(slot);
		for (size_t i = 0; i < n; i++)
			percu_pool_put(pool, slot[i]);
	}
}

static void take_sets(void *pool, uint64_t iters)
{
	take(pool, iters, SET_OF);
}

static void take_many(void *pool, uint64_t iters)
{
	take(pool, iters, MANY_OF);
}

static void take_some(void *pool, uint64_t iters)
{
	take(pool, iters, SOME_OF);
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

/* Whose turns would change what the others find have a contest of their own. */
static void run_alone(const char *name, void (*fn)(void *ctx, uint64_t iters),
		      double *ns)
{
	struct contestant c = { .name = name, .fn = fn };
	struct contest ct = { .name = "model",
			      .what = "what each path costs on one CPU",
			      .x = NO_X,
			      .c = &c,
			      .n = 1,
			      .turn_ns = ROUND_NS };

	contest(&ct);
	*ns = c.ns.least;
}

static void measure_line(void)
{
	struct contestant c = { .name = "a line to another CPU and back",
				.timed = throw_ball,
				.iters = by_scale(20000, 20000, 1000) };
	struct contest ct = { .name = "model", .x = NO_X, .c = &c, .n = 1 };

	if (cpus() < 2)
		return;
	contest(&ct);
	cost.line = c.ns.least / 2;
}

static void measure_pools(void)
{
	enum {
		HIT,
		SETS,
		MANY
	};
	struct contestant c[] = {
		{ .name = "a pair that hits",
		  .fn = own_loops("pool")->pair,
		  .ctx = make_pool("model-hit", OBJECT) },
		{ .name = "a pair, 1000 out at once",
		  .fn = take_sets,
		  .ctx = sets,
		  .units = SET_OF },
		{ .name = "a pair, 50000 out at once",
		  .fn = take_many,
		  .ctx = many,
		  .units = MANY_OF },
	};
	struct contest ct = { .name = "model",
			      .what = "what each path costs on one CPU",
			      .x = NO_X,
			      .c = c,
			      .n = ARRAY_SIZE(c),
			      .turn_ns = ROUND_NS };

	contest(&ct);
	cost.hit = c[HIT].ns.least;
	cost.depot = (c[SETS].ns.least - cost.hit) / a_get(sets, false);
	cost.slab = (c[MANY].ns.least - cost.hit -
		     a_get(many, false) * cost.depot) /
		    a_get(many, true);
	percu_pool_destroy(c[HIT].ctx);
}

static void measure_costs(void)
{
	measure_pools();
	run_alone("an ageing cycle", age, &cost.fence);
	measure_line();
	row_figure("model", NO_X, "cost: a hit", cost.hit, "ns");
	row_figure("model", NO_X, "cost: a visit to the depot", cost.depot,
		   "ns");
	row_figure("model", NO_X, "cost: an object from a slab", cost.slab,
		   "ns");
	row_figure("model", NO_X, "cost: an ageing cycle", cost.fence, "ns");
	row_figure("model", NO_X, "cost: a line from another CPU", cost.line,
		   "ns");
}

/* What pages cost depends on what the heap has free: measured just before. */
static void measure_heap(void)
{
	run_alone("64 KiB taken and given back", take_large, &cost.heap);
	row_figure("model", NO_X, "cost: pages from the heap", cost.heap, "ns");
}

/* The loads. ------------------------------------------------------------------- */

struct load {
	const char *group, *what;
	void (*fn)(void *ctx, uint64_t iters);
	struct percu_pool *pool; /* or NULL: each takes pages */
	uint64_t ops;            /* an iteration */
	struct mix mix;
};

static unsigned int outside; /* points of all loads */

/* A crew of n that runs the load. */
struct team {
	const struct load *load;
	struct crew *crew;
	unsigned int n;
};

/* What one of it takes, by the clock; who is alone waits for nobody. */
static uint64_t turn(void *ctx, uint64_t iters)
{
	const struct team *t = ctx;
	struct crew_time ns = crew_run(t->crew, t->load->fn, t->load->pool,
				       iters / 8 + 1, iters);

	return t->n == 1 ? ns.cpu : ns.wall / t->n;
}

static void judge_point(const struct load *l, unsigned int n, double is)
{
	double least = predicted(&cost, &l->mix, true, n);
	double most = predicted(&cost, &l->mix, false, n);
	bool inside = in_band(is, least, most);
	char text[ROW_NOTE];

	outside += !inside;
	row_figure(l->group, n, "measured", is, "M/s");
	row_figure(l->group, n, "measured / predicted at least", is / least,
		   "x");
	row_figure(l->group, n, "measured / predicted at most", is / most, "x");
	snprintf(text, sizeof(text),
		 "%u CPUs: %.4g M/s measured, %.4g to %.4g predicted: %s", n,
		 is, least, most, inside ? "inside" : "OUTSIDE");
	row_remark(l->group, text);
}

/* What n CPUs do, by the time that they take. */
static void measure_point(const struct load *l, unsigned int n)
{
	static const struct crew_life life = { NULL, slots_free };
	struct team team = { l, crew_start(n, true, &life), n };
	struct contestant c = { .name = "all", .timed = turn, .ctx = &team };
	struct contest ct = {
		.name = l->group, .c = &c, .n = 1, .turn_ns = ROUND_NS
	};

	contest_run(&ct);
	judge_point(l, n, measured_rate((double)l->ops, c.ns.least, n));
	contest_end(&ct);
	crew_stop(team.crew);
}

/* How often each path is taken, from a run of its own. */
static struct mix mix_of(const struct load *l)
{
	struct mix mix = { .pages = 1 };

	if (!l->pool) {
		measure_heap();
		return mix;
	}
	l->fn(l->pool, by_scale(2000000, 1000000, 100000) / l->ops);
	return (struct mix){ .hits = 1,
			     .visits = a_get(l->pool, false),
			     .objects = a_get(l->pool, true) };
}

static void predict(struct load *l)
{
	char text[ROW_NOTE];

	l->mix = mix_of(l);
	row_title(l->group, l->what, "CPUs");
	snprintf(text, sizeof(text),
		 "by the counters: %.5f visits to the depot, %.5f objects from "
		 "a slab an operation",
		 l->mix.visits, l->mix.objects);
	row_remark(l->group, text);
	for (unsigned int n = 1; n <= MOST_CPUS; n *= 2) {
		row_figure(l->group, n, "predicted at least",
			   predicted(&cost, &l->mix, true, n), "M/s");
		row_figure(l->group, n, "predicted at most",
			   predicted(&cost, &l->mix, false, n), "M/s");
	}
	for (unsigned int n = 1; n < cpus(); n *= 2)
		measure_point(l, n);
	measure_point(l, cpus());
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
		"costs, and what is measured, by least times: nobody else runs",
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
		{ .group = "model-some",
		  .what = "each CPU has 8000 out: no cost was measured at that",
		  .fn = take_some,
		  .ops = SOME_OF },
		{ .group = "model-many",
		  .what = "each CPU has 50000 out: caches do not hold them",
		  .fn = take_many,
		  .ops = MANY_OF },
		{ .group = "model-large",
		  .what = "64 KiB at a time: every call takes the heap's lock",
		  .fn = take_large,
		  .ops = 1 },
	};

	sets = make_pool("model-sets", OBJECT);
	many = make_pool("model-many", OBJECT);
	loads[0].pool = make_pool("model-pair", OBJECT);
	loads[1].pool = sets;
	loads[2].pool = make_pool("model-some", OBJECT);
	loads[3].pool = many;
	pin_last();
	measure_costs();
	for (size_t i = 0; i < ARRAY_SIZE(assumed); i++)
		row_remark("model", assumed[i]);
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++)
		predict(&loads[i]);
	row_figure("model", NO_X, MODEL_OUTSIDE, outside, "");
	slots_free();
	percu_pool_destroy(loads[2].pool);
	percu_pool_destroy(loads[0].pool);
	percu_pool_destroy(many);
	percu_pool_destroy(sets);
	return true;
}
