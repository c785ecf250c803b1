/* SPDX-License-Identifier: MIT */
/*
 * rcu/grace.h - grace periods, and what waits for them
 *
 * The layer above hands over batches (struct grace_wait, part of something of
 * its own) and gets each back when a grace period of its flavor has passed.
 * Each flavor in use has a thread, the reclaimer, which runs the grace periods
 * and calls back; nothing of it exists before something is retired.
 */
#ifndef PERCU_RCU_GRACE_H
#define PERCU_RCU_GRACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <percu/flavor.h>

#include "sys/hidden.h"
#include "sys/lock.h"

/* What waits as a unit.  From grace_defer() to done() it is this layer's. */
struct grace_wait {
	struct grace_wait *next;
	void *site; /* of a retirement in it, for reports; set by its owner */
};

/* For the report of a stall: what a batch is. */
struct grace_load {
	const char *pool;
	uint64_t objects, bytes;
};

struct grace;

/* (c) The layer above. */
struct grace_ops {
	/*
	 * Brings all that is not handed over yet to grace_defer().  Without
	 * locks; it may run callbacks.
	 */
	void (*flush)(struct grace *g);
	/*
	 * The first of these batches has waited long enough, as have the
	 * others.  Takes it off, and some more if it likes.  Without locks.
	 */
	void (*done)(struct grace_wait **round);
	void (*weigh)(const struct grace_wait *w, struct grace_load *load);
	/*
	 * In a forked child: this batch waits there too, and its bytes count.
	 * False: it is to be forgotten.
	 */
	bool (*again)(struct grace_wait *w);
};

/*
 * A flavor in use.  Keys: (c) constant after grace_of(), (g) graces.lock, (a)
 * atomic, (r) who runs a round (busy is set).
 */
struct grace {
	const struct rcu_flavor_struct *flavor; /* (c), NULL: free */
	struct grace_wait *inbox; /* (a) handed over, newest first */
	struct grace_wait *round; /* (r) taken from it, oldest first */
	uint64_t started, ended;  /* (g) rounds; read by all */
	uint64_t since;           /* (g) ns: the grace period's start, or 0 */
	uint64_t told;            /* (g) times the stall watch reported it */
	uint64_t due;             /* (g) ns: when a round is to begin, or 0 */
	uint64_t flush_at;        /* (g) ns: when records are to be flushed */
	bool hurried;             /* (a) a round at once was asked for */
	bool busy;                /* (g) a round is under way */
	bool running, parked;     /* (g) the thread */
	bool stop;                /* (g) asked of it */
	pthread_t thread;         /* (g) while running */
	pthread_cond_t wake;      /* of the thread */
};

enum {
	NR_GRACES = 8, /* liburcu has five flavors */
};

extern struct graces {
	const struct grace_ops *ops; /* (c) */
	struct lock lock;
	pthread_cond_t done; /* a batch or a round is done */
	uint32_t waiters;    /* (a) threads that wait for done */
	uint32_t forks;      /* (g) under way, for which threads are parked */
	uint64_t bytes;      /* (a) in batches */
	uint64_t rounds;     /* (a) grace periods, ever; with lock from here */
	uint64_t ns, ns_max; /* (a) that these took: all, the longest */
	uint64_t soft, hard; /* (c) bytes */
	struct grace grace[NR_GRACES];
} graces HIDDEN;

void grace_init(const struct grace_ops *ops, uint64_t soft, uint64_t hard);

/* The flavor's; misuse if there are more than NR_GRACES. */
struct grace *grace_of(const struct rcu_flavor_struct *flavor);

/*
 * Hands a batch over.  Takes a lock at times; the caller holds none, or none
 * above LOCK_GRACE.
 */
void grace_defer(struct grace *g, struct grace_wait *w, uint64_t bytes);
void grace_undefer(uint64_t bytes); /* they wait no more; from done() */

/* There is something to flush; the first since the last flush() says so. */
void grace_arm(struct grace *g);

/*
 * Waits until test() holds, which done() or flush() is to bring about, with
 * the reclaimer in a hurry.  test() is called with graces.lock held.  Not for
 * readers or callbacks; see grace_may_wait().
 */
void grace_wait_for(struct grace *g, bool (*test)(void *arg), void *arg);
/* Who makes a test() hold elsewhere does so in seq_cst order, and calls this. */
void grace_tell(void);

/* Is the caller inside a read section, as far as the flavor knows? */
bool grace_reading(const struct rcu_flavor_struct *flavor);
/* Of bp: it does not know this thread, which then does not read.  rcu/bp.c */
bool bp_is_stranger(const struct rcu_flavor_struct *flavor);
/*
 * Not a reader, of this or of another flavor that is in use, not a callback of
 * a reclaimer, and not in the middle of an edit of a vector.
 */
bool grace_may_wait(const struct rcu_flavor_struct *flavor);
bool grace_in_callback(void);
/* Whose batches this thread is done with, or flushes, right now; or NULL. */
struct grace *grace_at_hand(void);
/*
 * NULL if the caller may wait for a grace period; else why not, to end a report
 * with.  Of qsbr a thread that is online may: it goes offline meanwhile.
 */
const char *grace_forbidden(const struct rcu_flavor_struct *flavor);

/* Above the hard mark: waits, or -EAGAIN where it may not.  Else 0. */
int grace_admit(struct grace *g);

/* The number of the next round that is to begin, and whether one has ended. */
uint64_t grace_next(struct grace *g);
bool grace_ended(struct grace *g, uint64_t round);

/*
 * Around fork.  Until when a round is waited for; with no lock held, because
 * its callbacks may take what the program has.  Then graces.lock is taken.
 */
uint64_t grace_park(void);
void grace_before_fork(uint64_t until);
void grace_after_fork_parent(void);
void grace_after_fork_child(void);

/* Is there a reclaimer still?  For who comes after grace's destructor. */
bool grace_runs(void);

/* stall.c: a reclaimer begins to wait; graces.lock is held */
void stall_begin(struct grace *g);
void stall_after_fork_child(void);
void stall_stop(void);

#endif /* PERCU_RCU_GRACE_H */
