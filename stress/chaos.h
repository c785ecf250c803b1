/* SPDX-License-Identifier: MIT */
/*
 * stress/chaos.h - the parts of chaos
 *
 *	agent		a thread that forces one fault, again and again, until
 *			chaos is over; it has a generator of its own
 *	purse		objects of a pool of an agent's own, each stamped, with
 *			the count of what was got and put (chaos_purse.c)
 */
#ifndef STRESS_CHAOS_H
#define STRESS_CHAOS_H

#include <errno.h>
#include <percu/alloc.h>
#include "stress.h"

struct agent {
	struct rng rng;
	void (*run)(struct agent *a);
	void (*end)(void); /* when no agent runs any more */
	pthread_t thread;
	bool started;
};

/* False when chaos is over.  Waits that long, or until it is over. */
bool chaos_goes_on(unsigned int ms);

/* One each of enum fault_id. */
void agent_fork(struct agent *a);
void agent_exit(struct agent *a);
void agent_affinity(struct agent *a);
void agent_cpuset(struct agent *a);
void cpuset_end(void);
void agent_signal(struct agent *a);
void signal_end(void);
void agent_memory(struct agent *a);
void agent_cgroup(struct agent *a);
void agent_sleep(struct agent *a);
void agent_clock(struct agent *a);
void agent_calls(struct agent *a);
void agent_oscall(struct agent *a);

/* chaos_purse.c: used by one thread at a time. */
enum {
	PURSE = 48,
	PURSE_OBJECT = 160, /* bytes */
};

struct purse {
	struct percu_pool *pool;
	struct rng rng;
	uint64_t got, put, retired;
	struct {
		void *p; /* NULL: empty */
		uint64_t key;
	} held[PURSE];
};

struct percu_pool *purse_pool(const char *name);
/* Takes or gives something; what is refused is not taken. */
void purse_round(struct purse *pu);
void purse_empty(struct purse *pu);
void purse_add(struct purse *sum, const struct purse *pu);
/* All is home, as counted: ends the pool. */
void purse_audit(struct purse *sum);

/* chaos_fork.c: runs child() in a child; true: it exited, with *status. */
bool child_run(int (*child)(void *arg), void *arg, int *status);

/* chaos_thread.c: around a fork. */
void handlers_stop(void);
void handlers_start(void);

/* chaos_os.c: a child has one thread, not the one that would disarm. */
void chaos_os_child(void);

/* cgroup.c: a group of our own below the one that the process is in. */
struct cgroup {
	char dir[256], home[256];
	bool v2;
};

/* False: there can be none, and why says so. */
bool cgroup_make(struct cgroup *g, const char *controller, char *why,
		 size_t size);
bool cgroup_write(const struct cgroup *g, const char *file, const char *text);
bool cgroup_read(const char *dir, const char *file, char *text, size_t size);
bool cgroup_enter(const struct cgroup *g); /* the whole calling process */
void cgroup_end(struct cgroup *g);         /* leaves it, removes it */

#endif /* STRESS_CHAOS_H */
