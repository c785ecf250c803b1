// SPDX-License-Identifier: MIT
/*
 * stress/chaos_os.c - the system refuses what percu asks of it, under load
 *
 * The library counts each call that it makes of the system and can make the
 * n-th fail (sys/os.h).  The agent arms that, with a kind of call and an n
 * drawn at random: for one call, or for every call from there on until it
 * disarms again some milliseconds later.  Meanwhile get and allocate may say
 * NULL to anybody, and nothing may be lost by it.
 *
 * What compares, or needs an answer that no fault has a part in, calls
 * calm_begin(): that waits until nothing is armed, and keeps it so.
 */
#include "chaos.h"
#include "sys/os.h"

enum {
	NTH_MAX = 12,
	ARMED_MS = 30,
	PAUSE_MS = 15,
	HUGE_BLOCK = 96 << 20,
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t disarmed;
	unsigned int calm; /* (lock) */
	bool armed;        /* (lock) */
} os = { .lock = PTHREAD_MUTEX_INITIALIZER,
	 .disarmed = PTHREAD_COND_INITIALIZER };

/* Kinds of calls; a write is what reports fail by, and is ours to read. */
static const unsigned int masks[] = {
	1u << OS_RESERVE,
	1u << OS_COMMIT,
	1u << OS_RELEASE,
	1u << OS_MAP,
	1u << OS_UNMAP,
	1u << OS_MEMBARRIER,
	1u << OS_THREAD,
	1u << OS_RESERVE | 1u << OS_COMMIT | 1u << OS_MAP,
	((1u << OS_NR_CALLS) - 1) & ~(1u << OS_WRITE),
};

bool refusals(void)
{
	return chaos_forces(FAULT_OSCALL);
}

void calm_begin(void)
{
	pthread_mutex_lock(&os.lock);
	os.calm++;
	while (os.armed)
		pthread_cond_wait(&os.disarmed, &os.lock);
	pthread_mutex_unlock(&os.lock);
}

void calm_end(void)
{
	pthread_mutex_lock(&os.lock);
	os.calm--;
	pthread_mutex_unlock(&os.lock);
}

/* first: any call, and the next one, so that a short run has one too. */
static bool arm(struct agent *a, bool first)
{
	size_t kind = rng_below(&a->rng, ARRAY_SIZE(masks));
	unsigned long nth = 1 + rng_below(&a->rng, NTH_MAX);
	bool armed;

	pthread_mutex_lock(&os.lock);
	armed = os.armed = !os.calm;
	if (armed)
		os_fault_arm(masks[first ? ARRAY_SIZE(masks) - 1 : kind],
			     first ? 1 : nth, rng_below(&a->rng, 2));
	pthread_mutex_unlock(&os.lock);
	return armed;
}

static void disarm(void)
{
	pthread_mutex_lock(&os.lock);
	os_fault_disarm();
	fault_fired(FAULT_OSCALL, os_fault_fired());
	os.armed = false;
	pthread_cond_broadcast(&os.disarmed);
	pthread_mutex_unlock(&os.lock);
}

/*
 * A scenario that has all that it wants asks the system for nothing for a
 * while: then the agent does, with a block that no arena has room for.  What it
 * meets itself is counted apart.
 */
static void ask(void)
{
	void *p;

	if (os_fault_fired())
		return;
	p = percu_alloc(HUGE_BLOCK);

	percu_free(p);
	percu_age();
	percu_age();
	faults[FAULT_OSCALL].own += os_fault_fired();
}

void agent_oscall(struct agent *a)
{
	bool more = true, first = true;

	while (more) {
		if (arm(a, first)) {
			first = false;
			more = chaos_goes_on(1 + rng_below(&a->rng, ARMED_MS));
			ask();
			disarm();
		}
		more = more && chaos_goes_on(1 + rng_below(&a->rng, PAUSE_MS));
	}
}

void chaos_os_child(void)
{
	os_fault_disarm();
	pthread_mutex_init(&os.lock, NULL);
	pthread_cond_init(&os.disarmed, NULL);
	os.armed = false;
}
