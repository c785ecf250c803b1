/* SPDX-License-Identifier: MIT */
/*
 * pool/retire.h - what the layers above use of retirement
 *
 * Objects are retired to a pool (percu_pool_put_rcu_flavor()).  What is to be
 * released by a callback is retired to a release pool: a pool of foreign
 * objects that hands nothing out and keeps nothing, so that what has waited
 * long enough is destroyed, which calls the callback.
 */
#ifndef PERCU_POOL_RETIRE_H
#define PERCU_POOL_RETIRE_H

#include <stdbool.h>
#include <stdint.h>

#include <percu/flavor.h>

#include "rcu/grace.h" /* grace_reading() */

#include "sys/list.h"

struct percu_pool;

/*
 * A release pool of objects of so many bytes (0: not known); NULL with errno ENOMEM.  percu_pool_destroy() ends it, and
 * waits for what was retired to it.
 */
struct percu_pool *release_pool_create(const char *name, size_t size,
				       void (*release)(void *obj, void *arg),
				       void *arg);

/*
 * Where retired objects came from, for debug mode: find says in which slot of
 * it obj still is, or -1.  It is called at the end of a round, so what else
 * waits for a grace period of that flavor stays while it looks; it takes no
 * lock, for whoever has one may wait for the round.  It must live until a
 * barrier of the pools that were retired to from it.
 *
 * One that is listed is also asked about what the program itself has retired to
 * the pool, under its flavor.
 */
struct retire_origin {
	const char *name;
	long (*find)(struct retire_origin *o, const void *obj);
	struct list all; /* of those that are listed, from here on */
	const struct percu_pool *pool;
	const struct grace *grace;
};

void origin_enter(struct retire_origin *o, const struct percu_pool *pool,
		  const struct rcu_flavor_struct *flavor);
void origin_leave(struct retire_origin *o);

/*
 * percu_pool_put_rcu_flavor() with a place for reports and, or NULL, an
 * origin.  It may wait above the hard mark: hold no lock that a reader or a
 * release callback takes.
 */
void retire_from(struct percu_pool *pool, void *obj,
		 const struct rcu_flavor_struct *flavor, void *site,
		 struct retire_origin *origin);

/*
 * For a call that is about to retire and can fail: 0; above the hard mark it
 * waits if it may, and returns -EAGAIN if it may not.  Hold no lock.
 */
int retire_admit(const struct rcu_flavor_struct *flavor);

/*
 * A grace period that begins after grace_now() was called has ended, by the
 * time that grace_passed() says so of what it returned.  Grace periods are run
 * when something was retired, and not for who asks here.
 */
uint64_t grace_now(const struct rcu_flavor_struct *flavor);
bool grace_passed(const struct rcu_flavor_struct *flavor, uint64_t then);

#endif /* PERCU_POOL_RETIRE_H */
