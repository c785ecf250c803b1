// SPDX-License-Identifier: MIT
/*
 * stress/crew.c - workers for a scenario
 *
 * A crew is a scheduler that is set up as the user has asked, and whose leaks
 * are failures.  Who should have finished long ago (PATIENCE after the time of
 * the scenario) has leaked: a descriptor that never becomes ready, a worker
 * that never looks at the clock.
 */
#include "crew.h"

enum {
	PATIENCE = 60, /* seconds; under sanitizers and Valgrind as well */
	SCATTER = 2,   /* objects shall be put on other CPUs */
	SANITIZED_MAX = 1000, /* TSan has a thread's state for each worker */
};

unsigned int crew_size(const struct options *o, unsigned int wish)
{
	unsigned int n = o->workers ? o->workers : wish;

	return STRESS_SANITIZED && n > SANITIZED_MAX ? SANITIZED_MAX : n;
}

static int start(pthread_t *t, void *(*fn)(void *), void *arg)
{
	thread_start(t, fn, arg);
	return 0;
}

/* A thread a CPU, so that what changes threads changes CPUs. */
static void enter(void *arg)
{
	static atomic_uint nth;

	(void)arg;
	if (alone())
		cpu_pin(0, cpu_nth(atomic_fetch_add(&nth, 1)));
}

static atomic_bool is_copy;

static void forked(void)
{
	atomic_store(&is_copy, true);
}

/* Before anybody forks: a fork under way does not call what is new. */
void crew_init(void)
{
	if (pthread_atfork(NULL, NULL, forked))
		out_of_memory();
}

bool crew_is_copy(void)
{
	return atomic_load_explicit(&is_copy, memory_order_relaxed);
}

struct sched *crew_new(const struct options *o, uint64_t salt, double seconds)
{
	const struct sched_attr attr = {
		.threads = o->threads ? o->threads : nr_cpus(),
		.repeatable = o->threads == 1,
		.seed = mix64(o->seed ^ salt),
		.scatter = SCATTER,
		.limit_ns = seconds > 0 ?
				    (uint64_t)((seconds + PATIENCE) * 1e9) :
				    0,
		.stack = STRESS_SANITIZED ? 4 * WORKER_STACK : 0,
		.start = start,
		.enter = enter,
	};

	return must(sched_new(&attr));
}

struct leaks {
	size_t all, told;
};

/* The last line is of all that have no line of their own. */
static void leaked(const char *text, void *arg)
{
	struct leaks *l = arg;
	size_t n = l->told < LEAKS_SHOWN ? 1 : l->all - l->told;

	l->told += n;
	verdict_leaked((unsigned int)n, "%s", text);
}

size_t crew_run(struct sched *s)
{
	size_t n = sched_run(s);
	struct leaks leaks = { .all = n };
	struct sched_stats st;

	sched_stats(s, &st);
	printf("  workers   %s, %s at once, %s of stacks; %s switches, %s to another thread; %s stolen\n",
	       num_count(st.started).s, num_count(st.most).s,
	       num_bytes(st.stacks).s, num_count(st.switches).s,
	       num_count(st.moves).s, num_count(st.stolen).s);
	if (st.trace)
		printf("  trace     %016llx: the same seed gives it again\n",
		       (unsigned long long)st.trace);
	if (n)
		sched_leaks(s, leaked, &leaks);
	else
		verdict_leaked(0, "none");
	sched_free(s);
	return n;
}

/* Its channel is not freed: it waits for it. */
void crew_leak(void)
{
	static struct chan *nobodys;
	void *p;

	if (!break_now(BREAK_LEAK))
		return;
	nobodys = must(chan_new("of nobody", 1));
	chan_recv(nobodys, &p);
}

static void disturb(struct percu_pool *pool)
{
	struct rng r;

	if (!chaos_forces(FAULT_CALLS))
		return;
	r.state = worker_draw(UINT32_MAX);
	chaos_call(&r, pool);
}

bool crew_goes_on(const struct options *o)
{
	disturb(NULL);
	return (double)worker_now() < o->seconds * 1e9 && !verdict_failures() &&
	       !stop_asked();
}

void *crew_get(struct percu_pool *pool, const char *name)
{
	void *obj = must(percu_pool_get(pool));

	disturb(pool);
	worker_holds(name, 1);
	return obj;
}

void crew_put(struct percu_pool *pool, const char *name, void *obj)
{
	percu_pool_put(pool, obj);
	worker_holds(name, -1);
}

/* It is held until it is taken: a sender that leaks holds it. */
void crew_send(struct chan *c, const char *name, void *obj)
{
	chan_send(c, obj);
	worker_holds(name, -1);
}

void *crew_recv(struct chan *c, const char *name)
{
	void *obj;

	if (!chan_recv(c, &obj))
		return NULL;
	worker_holds(name, 1);
	return obj;
}
