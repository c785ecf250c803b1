/* SPDX-License-Identifier: MIT */
/* rcu/readers.h - which threads hold a grace period back */
#ifndef PERCU_RCU_READERS_H
#define PERCU_RCU_READERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <percu/flavor.h>

struct reader {
	pid_t tid;
	char name[17];
	char state;           /* as in ps(1): R, S, D, ... */
	unsigned long nested; /* read sections; qsbr: 0 */
};

/* "memb", "bp", ...; "?" for one that the loader does not know. */
const char *flavor_name(const struct rcu_flavor_struct *flavor);

/*
 * The threads that the grace period under way waits for, at most max of them
 * in r.  How many there are; -errno where it cannot be found out.  May take
 * the loader's lock: hold none.
 */
int readers_find(const struct rcu_flavor_struct *flavor, struct reader *r,
		 int max);

/*
 * Does a grace period of this flavor wait for the calling thread?  False only
 * where that is known: the flavor wants registration and has none.  For debug
 * mode; the first call for a flavor may take the loader's lock.
 */
bool reader_registered(const struct rcu_flavor_struct *flavor);

#endif /* PERCU_RCU_READERS_H */
