/* SPDX-License-Identifier: MIT */
/*
 * bench/idle.c - what ten thousand threads leave behind when they sleep
 *
 * Each has got a thousand objects and put them back, and waits.  A cache that
 * grows with threads has ten million objects now; percu's has what its budget
 * allows, as a run on a small one shows.  What the threads themselves occupy is
 * what as many occupy that did nothing; all have used the same of their stacks.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/pool.h>
#include <percu/stats.h>

#include "bench/bench.h"
#include "bench/cases.h"

enum {
	OBJECTS = 1000,
	STACK = 64 * KB,
	STACK_USED = 24 * KB
};
enum {
	CPU_BUDGET = 256 * KB,
	DEPOT_BUDGET = 512 * KB
};

/* The worker: "idle N 0|1", 1: with objects. */

static struct percu_pool *pool; /* NULL: nothing is got */
static sem_t slept, never;

static void use_objects(void)
{
	void *obj[OBJECTS];

	for (size_t i = 0; i < OBJECTS; i++) {
		obj[i] = percu_pool_get(pool);
		if (!obj[i])
			abort();
		memset(obj[i], 1, OBJECT);
	}
	for (size_t i = 0; i < OBJECTS; i++)
		percu_pool_put(pool, obj[i]);
}

static __attribute__((noinline)) void use_stack(void)
{
	char used[STACK_USED];

	memset(used, 0, sizeof(used));
	touch(used);
}

static void *sleeper(void *unused)
{
	use_stack();
	if (pool)
		use_objects();
	sem_post(&slept);
	while (sem_wait(&never))
		;
	return unused;
}

static uint64_t answer(void *unused, const char *what, uint64_t arg)
{
	struct percu_memstats ms;

	(void)unused;
	(void)arg;
	percu_memstats(&ms);
	if (!strcmp(what, "cached"))
		return ms.cached;
	return ms.heap_idle - ms.heap_released;
}

int work_idle(char **args)
{
	const struct service s = { .answer = answer };
	size_t n = strtoul(args[0], NULL, 10);
	pthread_attr_t attr;
	pthread_t thread;

	if (args[1][0] == '1')
		pool = make_pool("bench-idle", OBJECT);
	sem_init(&slept, 0, 0);
	sem_init(&never, 0, 0);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (size_t i = 0; i < n; i++) {
		if (pthread_create(&thread, &attr, sleeper, NULL)) {
			fprintf(stderr,
				"percu-bench: no more than %zu threads\n", i);
			return 1;
		}
	}
	for (size_t i = 0; i < n;)
		i += !sem_wait(&slept);
	return serve(&s);
}

/* The case's side. */

struct left {
	double resident, cached, idle; /* bytes; idle: pages without an owner */
};

/* What a process of n sleepers has, with the environment's budgets. */
static struct left leave(unsigned int threads, const char *with)
{
	char n[16];
	const char *const args[] = { "percu-bench", "worker", "idle", n,
				     with,          NULL };
	struct left left;
	struct worker *w;

	snprintf(n, sizeof(n), "%u", threads);
	w = worker_start(args, NULL);
	left.resident = (double)worker_ask(w, "rss", 0);
	left.cached = (double)worker_ask(w, "cached", 0);
	left.idle = (double)worker_ask(w, "idle", 0);
	worker_stop(w);
	return left;
}

/* The same beyond what the threads themselves occupy. */
static struct left leave_beyond(unsigned int threads)
{
	struct left left = leave(threads, "1");

	left.resident -= leave(threads, "0").resident;
	return left;
}

/* The library's own budgets are no part of its interface: so, these. */
static double cached_on_budget(unsigned int threads)
{
	char budget[64];
	double cached;

	snprintf(budget, sizeof(budget), "cpu_cache:%d,depot_cache:%d",
		 (int)CPU_BUDGET, (int)DEPOT_BUDGET);
	setenv("PERCU", budget, 1);
	cached = leave(threads, "1").cached;
	unsetenv("PERCU");
	return cached;
}

bool case_idle(void)
{
	unsigned int n = (unsigned int)by_scale(10000, 1000, 50);
	double budget = (double)cpus() * CPU_BUDGET + DEPOT_BUDGET;
	struct left few = leave_beyond(2), many = leave_beyond(n);

	row_title("idle",
		  "what threads that sleep leave behind, each after "
		  "1000 gets and puts",
		  "threads");
	row_figure("idle", 2, "resident", few.resident / MB, "MiB");
	row_figure("idle", 2, "cached", few.cached / MB, "MiB");
	row_figure("idle", n, "resident", many.resident / MB, "MiB");
	row_figure("idle", n, "cached", many.cached / MB, "MiB");
	row_figure("idle", n, "in idle pages", many.idle / MB, "MiB");
	row_figure("idle", NO_X, "resident beyond what 2 threads leave",
		   (many.resident - few.resident) / MB, "MiB");
	row_figure("idle", NO_X, "cached / budget",
		   cached_on_budget(n) / budget, "x");
	return true;
}
