// SPDX-License-Identifier: MIT
/*
 * stress/chaos_sleep.c - readers that sleep in their sections
 *
 * Everything that is retired waits for the slowest reader.  The agent is one:
 * it enters a section, retires an object that it has stamped, sleeps, and
 * must find the object as it was, for its own section is what the object has
 * to wait for.  What reuses it scribbles over it first.
 */
#include <string.h>
#include <urcu-bp.h>
#include "chaos.h"

enum {
	OBJECT = 96,
	SLEEP_MS = 150,
	PAUSE_MS = 20,
};

static void scribble(void *obj, void *arg)
{
	(void)arg;
	memset(obj, 0xa5, OBJECT);
}

static void sleep_once(struct agent *a, struct purse *pu)
{
	unsigned char *obj = must(percu_pool_get(pu->pool));
	uint64_t key = rng_next(&a->rng);

	stamp(obj, OBJECT, key);
	rcu_read_lock();
	percu_pool_put_rcu(pu->pool, obj);
	chaos_goes_on(1 + rng_below(&a->rng, SLEEP_MS));
	if (!stamp_holds(obj, OBJECT, key))
		fail("an object was used again under a reader that slept");
	rcu_read_unlock();
	pu->got++;
	pu->retired++;
	fault_fired(FAULT_SLEEP, 1);
}

void agent_sleep(struct agent *a)
{
	const struct percu_pool_attr attr = { .name = "chaos-sleep",
					      .size = OBJECT,
					      .reset = scribble };
	struct purse pu = { .pool = must(percu_pool_create(&attr)) };

	do
		sleep_once(a, &pu);
	while (chaos_goes_on(rng_below(&a->rng, PAUSE_MS)));
	purse_audit(&pu);
}
