/* SPDX-License-Identifier: MIT */
/*
 * stress/workers/sched.h - inside the scheduler
 *
 *	context.c	from one stack to another
 *	stack.c		many stacks, few mappings
 *	runq.c		who can run, and who is taken
 *	sched.c		threads, what they run, when they sleep
 *	poll.c		the clock, sleepers, file descriptors
 *	chan.c		channels and select
 *	group.c		groups
 *	leak.c		who has not finished, and where it stands
 *
 * A worker that is to wait puts itself on a list, under the lock of whatever
 * it waits for, and lets go of the lock before it leaves its stack.  So it may
 * be found and woken while it is still running.  Its state settles who queues
 * it:
 *
 *	worker: PARKING, on the list, lock dropped | switch | thread: PARKED,
 *		unless it is READY already: then it goes into the queue
 *	waker:	off the list | exchange READY | was PARKED: into the queue
 *
 * Locks, none held across a switch, at most two at once:
 *
 *	channels (by address) or group or sleepers -> nothing
 *	queue, one at a time -> nothing
 *	idle -> nothing
 *	stacks -> nothing
 *
 * Sleeping threads are woken by Dekker's protocol: who adds work stores the
 * queue's length, then looks if anybody sleeps; who goes to sleep says so, then
 * looks at the lengths.  All four are sequentially consistent.
 *
 * Who may touch a field: (c) constant, (w) the worker or the thread that runs
 * it, (t) the thread, (q) queue's lock, (i) idle's lock, (s) sleepers' lock,
 * (k) stacks' lock, (a) atomic.
 */
#ifndef STRESS_WORKERS_SCHED_H
#define STRESS_WORKERS_SCHED_H

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include "stress/workers/workers.h"

#if defined(__SANITIZE_ADDRESS__)
#define WORKERS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WORKERS_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WORKERS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WORKERS_TSAN 1
#endif
#endif

enum {
	SLICE_NS = 10 * 1000, /* of virtual time that a switch takes */
	NEAR = 4,             /* the next is drawn among so many */
	POLL_EVERY = 16,      /* switches */
	FDS_EVERY = 64,
	LEAK_FRAMES = 16,
	STACKS_REGION = 256,
};

/* context.c: a stack and where on it to go on. */
struct context {
	jmp_buf env;
	const void *bottom; /* (c) of the stack */
	size_t size;        /* (c) */
	void *fake, *fiber; /* the sanitizers' */
};

void context_of_thread(struct context *c);
void context_init(struct context *c, void *bottom, size_t size);
void context_fini(struct context *c);
/* Leaves @from for @to; for good, if @from ends.  entry: @to is new. */
void context_switch(struct context *from, struct context *to,
		    void (*entry)(void), bool ends);
void context_arrived(void); /* first thing on a new stack */

enum worker_state {
	UNUSED,  /* a place for one */
	READY,   /* in a queue, or about to be */
	RUNNING, /* on a thread, or in a queue again after a yield */
	PARKING,
	PARKED,
	FINISHED,
};

struct holding {
	const char *what;
	long n;
};

/* At the upper end of its stack, so that an idle worker takes one page. */
struct worker {
	struct context ctx;
	struct sched *s;     /* (c) */
	struct worker *next; /* (q) of the queue; (k) of the unused */
	_Atomic int state;
	unsigned int last;     /* (w) thread */
	void (*fn)(void *arg); /* (w) from here on */
	void *arg;
	const char *name;
	uint64_t nth, id;
	const char *does, *on;   /* while it waits: what, for which */
	const char *const *also; /* and for which else; NULL ends them */
	int fd;                  /* while it waits for that, or -1 */
	struct holding holds[HOLDINGS];
	bool fresh;          /* has not run yet */
	bool replace;        /* its thread shall end */
	uint64_t due, tie;   /* (s) */
	unsigned char *mark; /* (c) lower end of its stack, if not guarded */
	unsigned int valgrind_id;
	struct leak *examined; /* tell where you are, and come back */
};

/* leak.c */
struct leak {
	void *frames[LEAK_FRAMES];
	int nr;
	struct context back;
};

void leak_here(struct leak *l);

struct runq {
	_Alignas(64) pthread_mutex_t lock;
	struct worker *first, **last; /* (q) */
	_Atomic size_t len;           /* written (q) */
};

struct thread {
	struct runq queue;
	struct sched *s;        /* (c) */
	unsigned int nth;       /* (c) */
	struct context ctx;     /* (t) its own stack */
	struct worker *running; /* (t) */
	uint64_t rng;           /* (t) */
	bool ends;              /* (t) another takes its place */
	pthread_t id, before;   /* who has the place, and who had it */
	bool replaces;          /* there is a before */
	/* (t) written, read by anybody */
	_Atomic uint64_t switches, moves, steals, stolen, early, idles, trace;
};

/* runq.c */
void runq_init(struct runq *q);
/* n workers that are linked from first to *last. */
void runq_append(struct runq *q, struct worker *first, struct worker **last,
		 size_t n);
/* One of the NEAR oldest of the thread's own; NULL: none. */
struct worker *runq_pop(struct thread *t);
/* The older half; the first of it is the result, the others are queued. */
struct worker *runq_steal(struct thread *t, struct runq *from);

/* stack.c */
struct stacks {
	pthread_mutex_t lock;
	bool marks;              /* (c) and no guards */
	size_t size;             /* (c) of one, with its guard */
	struct worker *unused;   /* (k) */
	unsigned char **region;  /* (k) STACKS_REGION each */
	size_t nr_regions, nr;   /* (k) stacks ever in use */
	size_t guarded;          /* (k) */
	unsigned int mprotected; /* (k) of those */
};

int stacks_init(struct stacks *k, size_t size, bool marks);
void stacks_free(struct stacks *k);
struct worker *stack_get(struct stacks *k); /* NULL: no memory */
void stack_put(struct stacks *k, struct worker *w);
struct worker *stack_nth(const struct stacks *k, size_t nth);
bool stack_overrun(const struct worker *w);

struct sched {
	struct sched_attr attr; /* (c) */
	struct stacks stacks;
	struct thread *threads;  /* (c) */
	unsigned int nr_threads; /* (c) */
	_Atomic uint64_t live, most, started;

	_Alignas(64) pthread_mutex_t idle;
	pthread_cond_t wake;        /* idle threads but the keeper */
	_Atomic unsigned int idles; /* written (i) */
	_Atomic bool keeper;        /* (i) one of them waits in ppoll() */
	unsigned int left;          /* (i) threads that are done */
	_Atomic bool ended;

	/* poll.c */
	_Alignas(64) pthread_mutex_t sleepers;
	struct worker **heap;   /* (s) by due, then tie */
	_Atomic size_t nr_heap; /* written (s) */
	size_t room;            /* (s) */
	uint64_t ties;          /* (s) */
	_Atomic uint64_t due;   /* of the first, or of the limit */
	_Atomic uint64_t virtual_ns;
	uint64_t start_ns;    /* (c) while it runs */
	_Atomic uint64_t fds; /* workers that wait for one */
	int epoll, kick;      /* (c) */
};

/* sched.c */
struct thread *thread_self(void); /* NULL: no thread of a run */
struct worker *worker_self(const char *does);
/* Under the lock of what it waits for. */
struct worker *park_begin(const char *does, const char *on);
void park(struct worker *w); /* with no lock */
void wake(struct worker *w);
void sched_end(struct sched *s);
__attribute__((format(printf, 1, 2), cold, noreturn)) void
workers_misuse(const char *fmt, ...);

static inline uint64_t workers_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static inline uint32_t thread_draw(struct thread *t, uint32_t n)
{
	t->rng += 0x9e3779b97f4a7c15u;
	return (uint32_t)((workers_mix(t->rng) >> 32) * n >> 32);
}

static inline void tally(_Atomic uint64_t *n, uint64_t more)
{
	/* One writer: no need for a locked addition. */
	atomic_store_explicit(
		n, atomic_load_explicit(n, memory_order_relaxed) + more,
		memory_order_relaxed);
}

/* poll.c */
int poll_init(struct sched *s);
void poll_fini(struct sched *s);
void poll_start(struct sched *s);
uint64_t poll_now(const struct sched *s);
void poll_tick(struct sched *s);           /* a switch */
void poll_look(struct sched *s, bool fds); /* wake who is due or ready */
void poll_wait(struct sched *s);           /* by the keeper */
void poll_kick(struct sched *s);           /* the keeper, if there is one */
bool poll_expects(const struct sched *s);  /* somebody will be due or ready */
bool poll_skip(struct sched *s); /* virtual time: on to the next event */

#endif /* STRESS_WORKERS_SCHED_H */
