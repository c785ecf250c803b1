/* SPDX-License-Identifier: MIT */
/*
 * stress/crew.h - workers for a scenario
 *
 *	s = crew_new(o, salt, 0);
 *	sched_go(s, ...);
 *	crew_run(s);
 *
 * A crew has as many threads as the user asked for, which chaos meets like any
 * other.  With --threads 1 it is repeatable.  Whoever has not finished in the
 * end is a failure that names the worker, its place and what it holds.
 */
#ifndef STRESS_CREW_H
#define STRESS_CREW_H

#include "stress.h"
#include "workers/workers.h"

/* How many workers: what the user wants, or the scenario's own wish. */
unsigned int crew_size(const struct options *o, unsigned int wish);
/* seconds: that they are at work; much later they have leaked.  0: no limit */
struct sched *crew_new(const struct options *o, uint64_t salt, double seconds);
/* Runs it, tells how it went, and frees it: how many have leaked. */
size_t crew_run(struct sched *s);

/* To break the law that workers finish: the caller never does. */
void crew_leak(void);

/* Does the caller, a worker, go on?  Not after o->seconds or a failure. */
bool crew_goes_on(const struct options *o);

/*
 * Is this a forked child, where no worker is?  What waited for a grace period
 * waits there as well, and callbacks get copies: of objects that are nobody's,
 * under locks that may be taken for ever, with sockets that are the parent's.
 */
bool crew_is_copy(void);
void crew_init(void); /* once, before there is chaos */

/* Objects of a pool, for the list of leaks too: never NULL. */
void *crew_get(struct percu_pool *pool, const char *name);
void crew_put(struct percu_pool *pool, const char *name, void *obj);
/* Passed on, and received. */
void crew_send(struct chan *c, const char *name, void *obj);
void *crew_recv(struct chan *c, const char *name); /* NULL: closed */

#endif /* STRESS_CREW_H */
