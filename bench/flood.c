/* SPDX-License-Identifier: MIT */
/*
 * bench/flood.c - threads retire as fast as they can
 *
 * What waits for grace periods must stay below the hard mark, and as much more
 * as each CPU has in hand when it comes to know, whatever the readers do.
 * Each thread reads between two chunks of objects; in half of the runs another
 * thread sleeps in its read sections besides, so that more is retired during
 * one grace period than may wait.  A process for each run, with a mark of its
 * own, which samples what it has.  call_rcu has no mark: it is stopped when it
 * holds a gigabyte.
 *
 * The last line of each run is that of the kernel's rcuscale for kfree_rcu().
 * --seconds=60 makes each run last a minute.
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
	SLEEPERS_MAX = 4,
};

static const size_t TOO_MUCH = 1024UL * MB;

/* The worker: "flood put_rcu|call_rcu SLEEPERS". */

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

static void retire_put_rcu(void)
{
	uint64_t *p = percu_pool_get(pool);

	if (p)
		*p = 1; /* memory, not address space */
	percu_pool_put_rcu_flavor(pool, p, &counted);
}

static void release(struct rcu_head *head)
{
	free(head);
}

static void retire_call_rcu(void)
{
	void *p = malloc(OBJECT);

	die_unless(p, "malloc");
	urcu_memb_call_rcu(p, release);
}

static void (*retire)(void) = retire_put_rcu;

static void produce(void *none, uint64_t unused)
{
	(void)none;
	(void)unused;
	while (!over) {
		for (int i = 0; i < CHUNK; i++)
			retire();
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

	for (unsigned int i = 0; wall_ns() < end && r->rss < TOO_MUCH; i++) {
		sample(r, i);
		pass(SAMPLE_NS);
	}
	over = true;
	return NULL;
}

static unsigned int sleepers;

static struct result run(uint64_t msec, unsigned int threads)
{
	static const struct crew_life life = { urcu_memb_register_thread,
					       urcu_memb_unregister_thread };
	struct result r = { .ns = msec * MSEC };
	struct crew *crew = crew_start(threads, true, &life);
	pthread_t watcher, reader[SLEEPERS_MAX];
	uint64_t start = wall_ns();

	objects = grace = 0;
	die_unless(!pthread_create(&watcher, NULL, watch, &r), "watcher");
	for (unsigned int i = 0; i < sleepers; i++)
		die_unless(!pthread_create(&reader[i], NULL, sleeper, NULL),
			   "sleeper");
	crew_run(crew, produce, NULL, 0, 0);
	pthread_join(watcher, NULL);
	for (unsigned int i = 0; i < sleepers; i++)
		pthread_join(reader[i], NULL);
	percu_barrier();
	urcu_memb_barrier();
	r.ns = wall_ns() - start;
	r.objects = objects;
	r.grace = grace;
	crew_stop(crew);
	return r;
}

static uint64_t answer(void *none, const char *what, uint64_t arg)
{
	static struct result r;
	static unsigned int threads = 1;

	(void)none;
	if (!strcmp(what, "threads"))
		threads = (unsigned int)arg;
	if (!strcmp(what, "flood"))
		r = run(arg, threads);
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
	const struct service s = { .answer = answer };

	if (!strcmp(args[0], "call_rcu"))
		retire = retire_call_rcu;
	sleepers =
		(unsigned int)strtoul(args[1], NULL, 10) % (SLEEPERS_MAX + 1);
	counted = urcu_memb_flavor;
	counted.update_synchronize_rcu = synchronize;
	pool = make_pool("bench-flood", OBJECT);
	/* As in retire.c: the reclaimers are to run where they like. */
	percu_pool_put_rcu_flavor(pool, percu_pool_get(pool), &counted);
	percu_barrier();
	retire_call_rcu();
	urcu_memb_barrier();
	return serve(&s);
}

/* The case's side. */

struct flood {
	const char *who, *readers;
	const char *const sleepers;
};

static double report(struct worker *w, const struct flood *f, unsigned int n)
{
	double count = (double)worker_ask(w, "objects", 0);
	uint64_t ns = worker_ask(w, "ns", 0), gps = worker_ask(w, "grace", 0);
	double peak = (double)worker_ask(w, "peak", 0);
	char name[ROW_NAME], batches[32], line[ROW_NOTE];

	snprintf(name, sizeof(name), "%s%s: an object, of a thread", f->who,
		 f->readers);
	row_figure("flood", n, name, (double)ns * n / count, "ns");
	snprintf(name, sizeof(name), "%s%s: resident at most", f->who,
		 f->readers);
	row_figure("flood", n, name, peak / MB, "MiB");
	snprintf(name, sizeof(name), "%s%s: objects a grace period", f->who,
		 f->readers);
	if (gps)
		row_figure("flood", n, name, count / (double)gps, "");
	snprintf(batches, sizeof(batches), gps ? "%" PRIu64 : "not counted",
		 gps);
	snprintf(line, sizeof(line),
		 "%s%s: Total time taken by all retirers: %" PRIu64
		 " ns, loops: %.0f, batches: %s, memory footprint: %.0fMB",
		 f->who, f->readers, ns, count, batches, peak / MB);
	row_remark("flood", line);
	return (double)worker_ask(w, "deferred", 0);
}

/* By n threads; the most bytes that waited. */
static double flood_once(const struct flood *f, unsigned int n)
{
	const char *const args[] = { "percu-bench", "worker",    "flood",
				     f->who,        f->sleepers, NULL };
	struct worker *w = worker_start(args, NULL);
	double deferred;

	worker_ask(w, "threads", n);
	worker_ask(w, "flood",
		   opt.seconds ? 1000UL * opt.seconds :
				 by_scale(3000, 1000, 50));
	deferred = report(w, f, n);
	worker_stop(w);
	return deferred;
}

bool case_flood(void)
{
	static const struct flood runs[] = {
		{ "put_rcu", "", "0" },
		{ "put_rcu", ", a reader sleeps", "1" },
		{ "call_rcu", "", "0" },
		{ "call_rcu", ", a reader sleeps", "1" },
	};
	double mark = HARD_MARK + (double)cpus() * IN_HAND, worst;
	char text[ROW_NAME];

	snprintf(text, sizeof(text), "defer_soft:%d,defer_hard:%d",
		 (int)HARD_MARK / 4, (int)HARD_MARK);
	setenv("PERCU", text, 1);
	row_title("flood", "threads retire as fast as they can", "threads");
	if (opt.scale == SHORT)
		row_skip("flood", "call_rcu, and fewer threads than CPUs",
			 "not in short");
	for (size_t i = 0; i < by_scale(ARRAY_SIZE(runs), 2, 4); i++) {
		worst = flood_once(&runs[i], cpus());
		for (unsigned int n = 1; opt.scale != SHORT && n < cpus();
		     n *= 2)
			worst = fmax(worst, flood_once(&runs[i], n));
		snprintf(text, sizeof(text), "deferred at most / the mark%s",
			 runs[i].readers);
		if (!strcmp(runs[i].who, "put_rcu"))
			row_figure("flood", NO_X, text, worst / mark, "x");
	}
	unsetenv("PERCU");
	return true;
}
