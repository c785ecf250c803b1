/* SPDX-License-Identifier: MIT */
/*
 * bench/flood.c - every CPU retires, for as long as it is told
 *
 * What waits for grace periods must stay below the hard mark, and as much more
 * as each CPU has in hand when it comes to know, whatever the readers do: in the first run each thread reads between two chunks of
 * objects, in the second another thread sleeps in its read sections besides,
 * so that more is retired during one grace period than may wait.  A process
 * for each, with a mark of its own, which samples what it has.
 *
 * The last line of each run is that of the kernel's rcuscale for kfree_rcu().
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <percu/pool.h>
#include <percu/stats.h>

#include "bench/bench.h"
#include "bench/cases.h"
#include "bench/crew.h"
#include "bench/retire.h"

enum {
	HARD_MARK = 16 * MB,
	IN_HAND = 64 * KB, /* on a CPU: its record, a magazine */
	CHUNK = 256,
	SAMPLE_NS = MSEC,
	SAMPLES_AN_RSS = 50,
	SLEEP_NS = 2 * MSEC, /* of a reader in its section */
};

/* The worker: "flood 0|1", 1: with a reader that sleeps. */

struct result {
	uint64_t deferred, rss; /* at most, bytes */
	uint64_t ns, objects, grace;
};

static struct percu_pool *pool;
static struct rcu_flavor_struct counted; /* memb, and counts */
static atomic_bool over;
static _Atomic uint64_t objects, grace;

static void synchronize(void)
{
	atomic_fetch_add_explicit(&grace, 1, memory_order_relaxed);
	urcu_memb_synchronize_rcu();
}

static void pass(unsigned long ns)
{
	struct timespec ts = { .tv_nsec = (long)ns };

	nanosleep(&ts, NULL);
}

static void produce(void *none, uint64_t unused)
{
	(void)none;
	(void)unused;
	while (!over) {
		for (int i = 0; i < CHUNK; i++) {
			uint64_t *p = percu_pool_get(pool);

			if (p)
				*p = 1; /* memory, not address space */
			percu_pool_put_rcu_flavor(pool, p, &counted);
		}
		atomic_fetch_add_explicit(&objects, CHUNK,
					  memory_order_relaxed);
		urcu_memb_read_lock();
		touch(pool);
		urcu_memb_read_unlock();
	}
}

static void *sleeper(void *unused)
{
	urcu_memb_register_thread();
	while (!over) {
		urcu_memb_read_lock();
		pass(SLEEP_NS);
		urcu_memb_read_unlock();
	}
	urcu_memb_unregister_thread();
	return unused;
}

static void sample(struct result *r, unsigned int i)
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	if (ms.deferred > r->deferred)
		r->deferred = ms.deferred;
	if (i % SAMPLES_AN_RSS == 0 && rss() > r->rss)
		r->rss = rss();
}

/* The one who watches, while the crew's caller waits for its members. */
static void *watch(void *ctx)
{
	struct result *r = ctx;
	uint64_t end = wall_ns() + r->ns;

	for (unsigned int i = 0; wall_ns() < end; i++) {
		sample(r, i);
		pass(SAMPLE_NS);
	}
	over = true;
	return NULL;
}

static struct result run(uint64_t msec, bool sleeps)
{
	static const struct crew_life life = { urcu_memb_register_thread,
					       urcu_memb_unregister_thread };
	struct result r = { .ns = msec * MSEC };
	struct crew *crew = crew_start(cpus(), true, &life);
	pthread_t watcher, reader;
	uint64_t start = wall_ns();

	if (pthread_create(&watcher, NULL, watch, &r) ||
	    (sleeps && pthread_create(&reader, NULL, sleeper, NULL)))
		abort();
	crew_run(crew, produce, NULL, 0, 0);
	pthread_join(watcher, NULL);
	if (sleeps)
		pthread_join(reader, NULL);
	percu_barrier();
	r.ns = wall_ns() - start;
	r.objects = objects;
	r.grace = grace;
	crew_stop(crew);
	return r;
}

static uint64_t answer(void *sleeps, const char *what, uint64_t arg)
{
	static struct result r;

	if (!strcmp(what, "flood"))
		r = run(arg, sleeps != NULL);
	if (!strcmp(what, "deferred"))
		return r.deferred;
	if (!strcmp(what, "peak"))
		return r.rss;
	if (!strcmp(what, "objects"))
		return r.objects;
	if (!strcmp(what, "grace"))
		return r.grace;
	return r.ns;
}

int work_flood(char **args)
{
	struct service s = { .answer = answer };

	if (args[0][0] == '1')
		s.ctx = &over; /* anything */
	counted = urcu_memb_flavor;
	counted.update_synchronize_rcu = synchronize;
	pool = make_pool("bench-flood", OBJECT);
	/* As in retire.c: the reclaimer is to run where it likes. */
	percu_pool_put_rcu_flavor(pool, percu_pool_get(pool), &counted);
	percu_barrier();
	return serve(&s);
}

/* The case's side. */

static void figure(const char *what, const char *with, double figure,
		   const char *unit)
{
	char name[ROW_NAME];

	snprintf(name, sizeof(name), "%s%s", what, with);
	row_figure("flood", NO_X, name, figure, unit);
}

static void report(struct worker *w, const char *with)
{
	double count = (double)worker_ask(w, "objects", 0);
	uint64_t ns = worker_ask(w, "ns", 0), gps = worker_ask(w, "grace", 0);
	double peak = (double)worker_ask(w, "peak", 0);
	double mark = HARD_MARK + (double)cpus() * IN_HAND;

	figure("an object, of every CPU", with, (double)ns * cpus() / count,
	       "ns");
	figure("objects a grace period", with,
	       gps ? count / (double)gps : count, "");
	figure("resident at most", with, peak / MB, "MiB");
	figure("deferred at most / the mark", with,
	       (double)worker_ask(w, "deferred", 0) / mark, "x");
	printf("  Total time taken by all retirers: %" PRIu64
	       " ns, loops: %.0f, batches: %" PRIu64
	       ", memory footprint: %.0fMB\n",
	       ns, count, gps, peak / MB);
}

static void flood_once(const char *sleeps, const char *with)
{
	const char *const args[] = { "percu-bench", "worker", "flood", sleeps,
				     NULL };
	struct worker *w = worker_start(args, NULL);

	worker_ask(w, "flood", by_scale(5000, 1000, 50));
	report(w, with);
	worker_stop(w);
}

bool case_flood(void)
{
	char mark[64];

	snprintf(mark, sizeof(mark), "defer_soft:%d,defer_hard:%d",
		 (int)HARD_MARK / 4, (int)HARD_MARK);
	setenv("PERCU", mark, 1);
	row_title("flood", "every CPU retires as fast as it can", "");
	flood_once("0", "");
	flood_once("1", ", a reader sleeps");
	unsetenv("PERCU");
	return true;
}
