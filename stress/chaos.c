// SPDX-License-Identifier: MIT
/*
 * stress/chaos.c - what else happens to the threads of a scenario
 *
 * Each fault that was asked for has an agent, a thread that forces it again
 * and again until the scenario is over.  An agent uses percu as well, on pools
 * of its own whose books it keeps: what it does to others must not lose what
 * is its own either.
 *
 *	chaos_fork.c	children that use percu
 *	chaos_limit.c	children that may have little memory
 *	chaos_thread.c	short threads, moves, signals
 *	chaos_sleep.c	readers that sleep in their sections
 *	chaos_host.c	the CPUs of the process, the time of day
 *	chaos_os.c	what percu asks of the system is refused
 *	here		age, shrink, stats, barrier
 */
#include <stdio.h>
#include <time.h>
#include "chaos.h"

enum {
	SELDOM = 4096, /* a call of a scenario's in so many */
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool over; /* (lock) */
} chaos = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct agent agents[NR_FAULTS] = {
	[FAULT_FORK] = { .run = agent_fork },
	[FAULT_EXIT] = { .run = agent_exit },
	[FAULT_AFFINITY] = { .run = agent_affinity },
	[FAULT_CPUSET] = { .run = agent_cpuset, .end = cpuset_end },
	[FAULT_SIGNAL] = { .run = agent_signal, .end = signal_end },
	[FAULT_MEMORY] = { .run = agent_memory },
	[FAULT_CGROUP] = { .run = agent_cgroup },
	[FAULT_SLEEP] = { .run = agent_sleep },
	[FAULT_CLOCK] = { .run = agent_clock },
	[FAULT_CALLS] = { .run = agent_calls },
	[FAULT_OSCALL] = { .run = agent_oscall },
};

/* They are started and joined by who runs the scenarios beside them. */
bool chaos_forces(enum fault_id id)
{
	return agents[id].started;
}

bool chaos_goes_on(unsigned int ms)
{
	uint64_t until = now_ns() + ms * 1000000ull;
	struct timespec ts = { (time_t)(until / 1000000000u),
			       (long)(until % 1000000000u) };
	bool over;

	pthread_mutex_lock(&chaos.lock);
	while (!chaos.over && ms &&
	       !pthread_cond_timedwait(&chaos.changed, &chaos.lock, &ts))
		;
	over = chaos.over;
	pthread_mutex_unlock(&chaos.lock);
	return !over;
}

static void call(struct rng *r, struct percu_pool *pool)
{
	struct percu_pool_stats st;

	switch (rng_below(r, pool ? 8 : 4)) {
	case 0:
		percu_age();
		break;
	case 1:
		percu_barrier();
		break;
	case 2:
	case 3:
		audit_identities();
		break;
	case 4:
		percu_pool_age(pool);
		break;
	case 5:
		percu_pool_shrink(pool);
		break;
	case 6:
		percu_pool_barrier(pool);
		break;
	default:
		percu_pool_stats(pool, &st);
	}
	fault_fired(FAULT_CALLS, 1);
}

void chaos_call(struct rng *r, struct percu_pool *pool)
{
	if (chaos_forces(FAULT_CALLS) && !rng_below(r, SELDOM))
		call(r, pool);
}

/* Nobody else uses its pool, which has to be empty in the end all the same. */
void agent_calls(struct agent *a)
{
	struct purse pu = { .pool = purse_pool("chaos-calls"), .rng = a->rng };

	while (chaos_goes_on(rng_below(&a->rng, 4))) {
		for (int i = 0; i < PURSE; i++)
			purse_round(&pu);
		call(&a->rng, pu.pool);
	}
	purse_empty(&pu);
	purse_audit(&pu);
}

static void *agent_thread(void *arg)
{
	struct agent *a = arg;

	a->run(a);
	return NULL;
}

static void over_set(bool over)
{
	pthread_mutex_lock(&chaos.lock);
	chaos.over = over;
	pthread_cond_broadcast(&chaos.changed);
	pthread_mutex_unlock(&chaos.lock);
}

static void changed_init(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&chaos.changed, &attr);
	pthread_condattr_destroy(&attr);
}

void chaos_begin(uint64_t seed)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, changed_init);
	over_set(false);
	for (enum fault_id id = 0; id < NR_FAULTS; id++) {
		struct agent *a = &agents[id];

		a->started = fault_wanted(id) && !break_asked(END_FAULTS);
		a->rng.state = mix64(seed ^ mix64(id + 1));
	}
	for (struct agent *a = agents; a < agents + NR_FAULTS; a++)
		if (a->started)
			thread_start(&a->thread, agent_thread, a);
}

void chaos_end(void)
{
	over_set(true);
	for (struct agent *a = agents; a < agents + NR_FAULTS; a++)
		if (a->started)
			pthread_join(a->thread, NULL);
	for (struct agent *a = agents; a < agents + NR_FAULTS; a++)
		if (a->started && a->end)
			a->end();
	for (struct agent *a = agents; a < agents + NR_FAULTS; a++)
		a->started = false;
}
