// SPDX-License-Identifier: MIT
/*
 * stress/drain.c - records drained under the hands of their owners
 *
 * The narrowest place of the library: somebody on another CPU empties a record
 * while its owner is in the middle of a get or a put.  All that stands between
 * them is the order of a published base, a fence and a commit.  So threads do
 * nothing but get and put here, and one does nothing but drain: about every
 * other drain meets a sequence half done.
 *
 *	worker	get, claim the object, put others, release the object, put
 *	drainer	age, shrink, statistics, without a pause
 *
 * Each object carries the number of its owner.  Who gets one finds it free,
 * who puts one still finds itself; at the end all are home.  A library that
 * does not fence fails here at once (tests/mutants/drain-no-fence.patch).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "stress.h"

enum {
	OBJECT = 64,   /* bytes */
	HELD_MAX = 24, /* objects that a worker holds */
	WORKERS_MAX = 256,
};

struct object {
	_Atomic uint32_t owner; /* 0: nobody */
};

struct worker {
	struct drain *drain;
	uint32_t number;
	uint64_t pairs;
	struct rng rng;
};

struct drain {
	struct percu_pool *pool;
	atomic_bool stop;
	uint64_t drains;
	struct progress progress;
};

static int object_ctor(void *obj, void *arg)
{
	struct object *o = obj;

	(void)arg;
	atomic_init(&o->owner, 0);
	return 0;
}

static struct object *claim(struct worker *w)
{
	struct object *o = must(percu_pool_get(w->drain->pool));
	uint32_t was = atomic_exchange(&o->owner, w->number);

	if (was)
		fail("an object of worker %" PRIu32
		     " was handed to worker %" PRIu32,
		     was, w->number);
	return o;
}

static void release(struct worker *w, struct object *o)
{
	uint32_t was;

	if (break_now(BREAK_DRAIN))
		atomic_store(&o->owner, w->number + 1);
	was = atomic_exchange(&o->owner, 0);

	if (was != w->number)
		fail("worker %" PRIu32 " puts an object of worker %" PRIu32,
		     w->number, was);
	percu_pool_put(w->drain->pool, o);
}

/* Stops early where a law is broken: what comes after says nothing new. */
static bool over(struct drain *d)
{
	return atomic_load_explicit(&d->stop, memory_order_relaxed) ||
	       verdict_failures() || stop_asked();
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct object *held[HELD_MAX];

	do {
		uint32_t n = 1 + rng_below(&w->rng, HELD_MAX);

		for (int round = 0; round < 16; round++) {
			for (uint32_t i = 0; i < n; i++)
				held[i] = claim(w);
			for (uint32_t i = 0; i < n; i++)
				release(w, held[i]);
		}
		w->pairs += 16 * n;
		chaos_call(&w->rng, w->drain->pool);
	} while (!over(w->drain));
	return NULL;
}

static void *keep_draining(void *arg)
{
	struct drain *d = arg;
	struct percu_pool_stats st;

	do {
		percu_pool_age(d->pool);
		if (++d->drains % 8 == 0)
			percu_pool_shrink(d->pool);
		percu_pool_stats(d->pool, &st);
		progress_add(&d->progress, 1);
	} while (!over(d));
	return NULL;
}

static void all_home(struct drain *d, uint64_t pairs)
{
	struct percu_pool_stats st;
	int err;

	percu_pool_stats(d->pool, &st);
	printf("  done      %s gets and puts beside %s drains\n",
	       num_count(pairs).s, num_count(d->drains).s);
	if (verdict_failures())
		return; /* the pool may not survive a look */
	if (st.gets != pairs || st.puts != pairs)
		fail("%" PRIu64 " gets and %" PRIu64 " puts were counted",
		     st.gets, st.puts);
	happened(d->drains, "drained");
	happened(pairs, "got");
	calm_begin(); /* the system could refuse to interrupt other CPUs */
	err = percu_pool_destroy(d->pool);
	calm_end();
	if (err)
		fail("the pool did not end: %d", err);
}

void drain_run(const struct options *o)
{
	const struct percu_pool_attr attr = {
		.name = "drained",
		.size = OBJECT,
		.ctor = object_ctor,
	};
	unsigned int n = o->threads ? o->threads : 2 * nr_cpus();
	struct drain d = { .pool = must(percu_pool_create(&attr)) };
	struct worker w[WORKERS_MAX];
	pthread_t t[WORKERS_MAX + 1];
	uint64_t until, pairs = 0;

	law("who gets an object finds it free, whatever is drained meanwhile");
	law("at the end every object is home, and each get and put was counted");
	n = n > WORKERS_MAX ? WORKERS_MAX : n;
	until = now_ns() + (uint64_t)(o->seconds * 1e9);
	progress_start(&d.progress, "draining", PROGRESS_TIME,
		       o->seconds * 1000);
	for (unsigned int i = 0; i < n; i++) {
		w[i] = (struct worker){
			.drain = &d,
			.number = i + 1,
			.rng = { o->seed + i },
		};
		thread_start(&t[i], work, &w[i]);
	}
	thread_start(&t[n], keep_draining, &d);
	while (now_ns() < until && !over(&d))
		sleep_ms(20);
	atomic_store(&d.stop, true);
	for (unsigned int i = 0; i <= n; i++)
		pthread_join(t[i], NULL);
	progress_stop(&d.progress);
	for (unsigned int i = 0; i < n; i++)
		pairs += w[i].pairs;
	all_home(&d, pairs);
}
