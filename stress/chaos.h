/* SPDX-License-Identifier: MIT */
/*
 * stress/chaos.h - the parts of chaos
 *
 *	agent		a thread that forces one fault, again and again, until
 *			chaos is over; it has a generator of its own
 */
#ifndef STRESS_CHAOS_H
#define STRESS_CHAOS_H

#include <errno.h>
#include <percu/alloc.h>
#include "stress.h"

struct agent {
	struct rng rng;
	void (*run)(struct agent *a);
	pthread_t thread;
	bool started;
};

/* False when chaos is over.  Waits that long, or until it is over. */
bool chaos_goes_on(unsigned int ms);

/* One agent each. */
void agent_calls(struct agent *a);  /* chaos.c */
void agent_oscall(struct agent *a); /* chaos_os.c */

#endif /* STRESS_CHAOS_H */
