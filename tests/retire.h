/* SPDX-License-Identifier: MIT */
/*
 * tests/retire.h - what the tests of retirement share
 *
 * Words: a holder is a thread that is inside a read section until it is told
 * to leave, and so holds back what is retired meanwhile.
 */
#ifndef PERCU_TESTS_RETIRE_H
#define PERCU_TESTS_RETIRE_H

#include <percu/pool.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <urcu/urcu-bp.h>
#include <urcu/urcu-qsbr.h>

/* Of several headers the first declares its flavor: bp's, here. */
extern const struct rcu_flavor_struct urcu_memb_flavor, urcu_qsbr_flavor,
	urcu_mb_flavor;

struct holder {
	const struct rcu_flavor_struct *flavor;
	const char *name; /* of the thread, or NULL */
	int nest;         /* sections, one in the other; 0: one */
	/* What it looks at when it is told to leave: bytes of the seed. */
	const void *obj;
	size_t size;
	uint32_t seed;

	pid_t tid; /* once it holds */
	bool well; /* once it has left: the bytes were as they had been */
	sem_t holds, leave;
	pthread_t id;
};

/* Returns when it holds.  Zero the struct, set flavor and what you need. */
void holder_begin(struct holder *h);
/* Returns when it has left and ended: whether it found obj's bytes well. */
bool holder_end(struct holder *h);

/*
 * Liburcu tells TSan nothing of grace periods: a reader says itself that what
 * it has read happened before the end of one.  Before it unlocks.
 */
void reader_leaves(const struct rcu_flavor_struct *flavor);

/* One of bp's, not begun. */
struct holder held_back(void);

/* They end the test if they cannot. */
struct percu_pool *pool_of(const struct percu_pool_attr *attr);
void *got(struct percu_pool *p);
void get_many(struct percu_pool *p, void **objs, size_t n);
/* Among what the pool has cached, 500 at most, obj must be: now it is out. */
void get_back(struct percu_pool *p, void *obj);

bool is_among(void *const *objs, size_t n, const void *obj);

/* Every figure of a pool that retirement concerns; prints them if not. */
bool stats_are(struct percu_pool *p, uint64_t gets, uint64_t puts,
	       uint64_t puts_rcu, uint64_t deferred);

/* A round waits for readers: when it began to, 0 if none does. */
uint64_t round_since(void);

/* The state of a thread of this process as in ps(1), or 0. */
char thread_state(pid_t tid);
/* Its name is that; how many there are. */
unsigned int threads_named(const char *name, pid_t *tid);
unsigned int nr_threads(void);

/* A thread that runs fn(arg), and whether it has returned. */
struct call {
	void (*fn)(void *arg);
	void *arg;
	pid_t tid;
	_Atomic bool returned;
	sem_t begins;
	pthread_t id;
};
void call_begin(struct call *c, void (*fn)(void *arg), void *arg);
/* It has been asleep for some time: it waits for something. */
bool call_waits(struct call *c);
void call_end(struct call *c);

#endif /* PERCU_TESTS_RETIRE_H */
