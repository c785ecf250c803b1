/* SPDX-License-Identifier: MIT */
/*
 * bench/shapes.c - the shapes of Go's benchmarks of its pool, for percu
 *
 *	pool		every CPU gets and puts
 *	overflow	every CPU gets 100, then puts 100
 *	starvation	a third of them is put by the next CPU's thread
 *	stw		100 000 objects wait when memory is collected: there for
 *			how long the world stops, here for how long ageing takes
 *			and for how long it holds up somebody else's get
 *	expensive	an object takes a millisecond to make; the pool is
 *			emptied meanwhile, by collections there, by ageing here
 *
 * Nobody is pinned here, for Go's scheduler puts its threads where it likes.
 * Go's starvation loses what is put nowhere; here, and in bench/go/main.go, it
 * changes threads instead: an object that is got has to be put.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <percu/pool.h>

#include "bench/crew.h"
#include "bench/own_loops.h"
#include "bench/shapes.h"

enum {
	BURST_OF = 100,
	THIRD = 33,
	MANY = 100000,
	CPUS_MAX = 1024
};

static struct percu_pool *pool;
static struct crew *crew;
static _Atomic unsigned int entered;

static void each_cpu(void *none, uint64_t n)
{
	(void)none;
	own_loops("pool")->pair(pool, n);
}

static void get_all(void **p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = percu_pool_get(pool);
}

static void put_all(void *const *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		percu_pool_put(pool, p[i]);
}

static void overflow(void *none, uint64_t n)
{
	void *p[BURST_OF];

	(void)none;
	while (n--) {
		get_all(p, BURST_OF);
		put_all(p, BURST_OF);
	}
}

/* What the next thread is to put; who takes a batch owns it. */
struct batch {
	void *p[THIRD];
};
static _Atomic(struct batch *) mail[CPUS_MAX];

static void open_mail(struct batch *b)
{
	if (!b)
		return;
	put_all(b->p, THIRD);
	free(b);
}

static void starvation(void *none, uint64_t n)
{
	unsigned int me = atomic_fetch_add(&entered, 1) % cpus();
	void *p[BURST_OF];

	(void)none;
	while (n--) {
		struct batch *b = malloc(sizeof(*b));

		die_unless(b, "starvation");
		get_all(p, BURST_OF);
		for (size_t i = 0; i < THIRD; i++)
			b->p[i] = p[i];
		open_mail(atomic_exchange(&mail[(me + 1) % cpus()], b));
		put_all(p + THIRD, BURST_OF - THIRD);
		open_mail(atomic_exchange(&mail[me], NULL));
	}
}

static void empty_mail(void)
{
	for (unsigned int i = 0; i < cpus(); i++)
		open_mail(atomic_exchange(&mail[i], NULL));
}

struct shape {
	const char *name, *group, *what;
	void (*fn)(void *none, uint64_t n);
	unsigned int units;
};

static uint64_t turn(void *ctx, uint64_t n)
{
	const struct shape *s = ctx;
	uint64_t ns;

	entered = 0;
	ns = crew_run(crew, s->fn, NULL, 0, n).cpu / cpus();
	empty_mail();
	return ns;
}

static void against_go(const struct shape *s)
{
	struct contestant c[] = {
		{ .name = "pool",
		  .role = OURS,
		  .timed = turn,
		  .ctx = (void *)(uintptr_t)s,
		  .units = s->units },
		{ .name = "sync.Pool",
		  .role = PEER,
		  .timed = worker_timed,
		  .ctx = go_start(s->name),
		  .units = s->units },
	};
	struct contest ct = { .name = s->group,
			      .what = s->what,
			      .x = NO_X,
			      .c = c,
			      .n = ARRAY_SIZE(c),
			      .turn_ns = 10 * MSEC };

	contest(&ct);
	worker_stop(c[1].ctx);
}

/* Stopping the world. ----------------------------------------------------------- */

enum {
	CYCLES = 41
};

static atomic_bool over;
static _Atomic uint64_t slowest; /* get of the other thread, ns */
static _Atomic uint64_t passed;  /* gets of it */

static void *get_on(void *none)
{
	pin(0);
	while (!over) {
		uint64_t t = wall_ns();
		void *p = percu_pool_get(pool);

		t = wall_ns() - t;
		percu_pool_put(pool, p);
		if (t > slowest)
			slowest = t;
		passed++;
	}
	return none;
}

static void await_get(void)
{
	for (uint64_t seen = passed; passed == seen;)
		sched_yield();
}

static void one_cycle(double *age, double *held_up)
{
	static void *p[MANY];
	uint64_t t;

	get_all(p, MANY);
	put_all(p, MANY);
	await_get(); /* it is awake */
	slowest = 0;
	t = wall_ns();
	percu_age();
	*age = (double)(wall_ns() - t);
	await_get(); /* what was under way is over */
	*held_up = (double)slowest;
}

static double centile(double *v, size_t n, unsigned int per_thousand)
{
	estimate(v, n); /* sorts */
	return v[(n - 1) * per_thousand / 1000];
}

static void stop_the_world(void)
{
	static const unsigned int of[] = { 500, 950 };
	static const char *const name[][3] = {
		{ "percu: an ageing cycle, p50",
		  "percu: another thread's slowest get meanwhile, p50",
		  "Go: the world stands still, p50" },
		{ "percu: an ageing cycle, p95",
		  "percu: another thread's slowest get meanwhile, p95",
		  "Go: the world stands still, p95" },
	};
	size_t n = by_scale(CYCLES, 11, 2);
	struct worker *go = go_start("stw");
	double age[CYCLES], held_up[CYCLES];
	pthread_t thread;

	row_title("go-stw", "100000 objects wait while memory is collected",
		  "");
	worker_ask(go, "run", n);
	die_unless(!pthread_create(&thread, NULL, get_on, NULL), "thread");
	for (size_t i = 0; i < n; i++)
		one_cycle(&age[i], &held_up[i]);
	over = true;
	pthread_join(thread, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		row_figure("go-stw", NO_X, name[i][0],
			   centile(age, n, of[i]) / USEC, "us");
		row_figure("go-stw", NO_X, name[i][1],
			   centile(held_up, n, of[i]) / USEC, "us");
		row_figure("go-stw", NO_X, name[i][2],
			   (double)worker_ask(go, "pause", of[i]) / USEC, "us");
	}
	worker_stop(go);
}

/* Expensive objects. ------------------------------------------------------------ */

static _Atomic uint64_t made, ages;

static int make_slowly(void *obj, void *none)
{
	const struct timespec ts = { .tv_nsec = MSEC };

	(void)obj;
	(void)none;
	made++;
	nanosleep(&ts, NULL);
	return 0;
}

/* One thread ages after each round: about as often as Go collects. */
static void expensive(void *slow, uint64_t n)
{
	bool ages_it = atomic_fetch_add(&entered, 1) % cpus() == 0;
	void *p[BURST_OF];

	while (n--) {
		for (size_t i = 0; i < BURST_OF; i++)
			p[i] = percu_pool_get(slow);
		for (size_t i = 0; i < BURST_OF; i++)
			percu_pool_put(slow, p[i]);
		if (ages_it) {
			ages++;
			percu_age();
		}
	}
}

static void expensive_rows(const char *who, double ms, double objects,
			   double cycles, double rounds)
{
	const struct {
		const char *what, *unit;
		double figure;
	} rows[] = {
		{ "a round", "ms", ms / rounds },
		{ "objects made a round", "", objects / rounds },
		{ "collections a round", "", cycles / rounds },
	};
	char name[ROW_NAME];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(name, sizeof(name), "%s: %s", who, rows[i].what);
		row_figure("go-expensive", NO_X, name, rows[i].figure,
			   rows[i].unit);
	}
}

static void expensive_objects(void)
{
	const struct percu_pool_attr attr = { .name = "bench-slow",
					      .size = OBJECT,
					      .ctor = make_slowly };
	struct percu_pool *slow = percu_pool_create(&attr);
	struct worker *go = go_start("expensive");
	uint64_t n = by_scale(400, 50, 1), ns;

	die_unless(slow, "percu_pool_create");
	row_title("go-expensive",
		  "100 gets and puts of what takes 1 ms to make, on every CPU",
		  "");
	ns = wall_ns();
	entered = 0;
	crew_run(crew, expensive, slow, 0, n);
	ns = wall_ns() - ns;
	expensive_rows("percu", (double)ns / MSEC, (double)made, (double)ages,
		       (double)n);
	ns = worker_ask(go, "run", n);
	expensive_rows("Go", (double)ns / MSEC,
		       (double)worker_ask(go, "made", 0),
		       (double)worker_ask(go, "cycles", 0), (double)n);
	worker_stop(go);
	percu_pool_destroy(slow);
}

void shapes(void)
{
	static const struct shape list[] = {
		{ "pool", "go-pool", "every CPU gets and puts", each_cpu, 1 },
		{ "overflow", "go-overflow",
		  "every CPU gets 100, then puts 100: one", overflow,
		  BURST_OF },
		{ "starvation", "go-starvation",
		  "the same, and a third is put by another CPU: one",
		  starvation, BURST_OF },
	};

	pool = make_pool("bench-shapes", OBJECT);
	crew = crew_start(cpus(), false, NULL); /* as Go's threads are */
	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		against_go(&list[i]);
	stop_the_world();
	expensive_objects();
	crew_stop(crew);
	percu_pool_destroy(pool);
}
