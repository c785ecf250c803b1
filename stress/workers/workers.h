/* SPDX-License-Identifier: MIT */
/*
 * stress/workers/workers.h - goroutine-like workers on a few threads
 *
 * A worker is a function with a stack of its own.  Some threads of the system
 * run many workers: one that has to wait makes room for another, and goes on
 * later, on whatever thread is free then.  Workers talk through channels, wait
 * for each other with groups, sleep, and wait for file descriptors.
 *
 *	struct sched *s = sched_new(&(struct sched_attr){ .threads = 4 });
 *
 *	sched_go(s, producer, c, "producer", 1);
 *	sched_go(s, consumer, c, "consumer", 1);
 *	sched_run(s);		until all have finished, or none ever will
 *	sched_leaks(s, print, NULL);
 *	sched_free(s);
 *
 * Best for: as many parties as a server has, at a few KiB each; objects that
 * are made on one thread and given back on another, thousands of times a
 * second; runs that one seed repeats.
 *
 * Not for: a function that never yields (nothing preempts it); deep
 * recursion (see sched_attr.stack); waiting for what is no worker.
 *
 * What a worker must not do across a call that may switch (each below says
 * "Context: a worker; may switch"):
 *
 *	- be inside a read section: misuse, and reported as such;
 *	- hold a pthread mutex: another thread would have to unlock it;
 *	- rely on errno, or keep the address of a thread-local variable.
 *
 * Misuse ends the program with one line that names the worker.
 *
 *	worker		a function that runs, with its stack and its name
 *	thread		of the system; it runs one worker at a time
 *	switch		a thread leaves one worker and takes another
 *	park		wait, away from any thread, until somebody wakes
 *	leak		a worker that has not finished when the run ends
 */
#ifndef STRESS_WORKERS_WORKERS_H
#define STRESS_WORKERS_WORKERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sched;
struct worker;
struct chan;

/* The run. ------------------------------------------------------------------- */

/**
 * struct sched_attr - what sched_new() makes; zero it, then set what you need
 * @threads: how many, the caller of sched_run() among them; 0: one a CPU
 * @repeatable: one thread and virtual time: the clock moves by a slice each
 *	switch, and to the next sleeper when nobody can run.  The same seed then
 *	gives the same order of switches
 * @seed: of all that is drawn: who is next, whom to steal from, which ready
 *	case a select takes
 * @scatter: of so many workers that are woken one goes to a thread that is
 *	drawn, the others stay where they were woken; 0: all of them do
 * @stack: bytes of a worker's stack; 0 for WORKER_STACK
 * @limit_ns: the run ends after this time, whoever is still at work; 0: never
 * @marks: no guards behind stacks, but marks, as where guards cannot be had
 * @start: starts a thread, as pthread_create() does with no attributes; NULL:
 *	that does
 * @enter: called by each thread of the run before its first worker
 * @leave: and after its last
 * @arg: for both
 */
struct sched_attr {
	unsigned int threads;
	bool repeatable;
	uint64_t seed;
	uint32_t scatter;
	size_t stack;
	uint64_t limit_ns;
	bool marks;
	int (*start)(pthread_t *t, void *(*fn)(void *), void *arg);
	void (*enter)(void *arg);
	void (*leave)(void *arg);
	void *arg;
};

/**
 * struct sched_stats - what has happened so far
 * @started: workers
 * @most: of them at once
 * @switches: from a thread to a worker
 * @moves: of those, to a worker that was on another thread before
 * @steals: visits to another thread's queue that brought something
 * @stolen: workers that they brought
 * @early: wakes of a worker that had not yet left its stack
 * @idles: times that a thread found nothing to do and slept
 * @stacks: bytes of address space for stacks
 * @guarded: stacks with a page behind them that nobody can touch; the others
 *	have a mark there, which is looked at after each switch
 * @trace: of a repeatable run: a digest of who ran when
 */
struct sched_stats {
	uint64_t started, most, switches, moves, steals, stolen, early, idles;
	uint64_t stacks, guarded, trace;
};

/* NULL: no memory, or attributes that contradict each other */
struct sched *sched_new(const struct sched_attr *attr);

/**
 * sched_go() - start a worker from outside of the run
 * @s: where
 * @fn: what it does; it has finished when this returns
 * @arg: for @fn
 * @name: what kind of worker it is; kept, not copied
 * @nth: which of them
 *
 * Context: the owner of @s, before sched_run().
 */
void sched_go(struct sched *s, void (*fn)(void *arg), void *arg,
	      const char *name, uint64_t nth);

/**
 * sched_run() - run until all workers have finished
 * @s: with the first workers; run it once
 *
 * Ends, too, when no worker can ever run again, as each waits for another; or
 * at the limit.
 *
 * Return: how many workers have leaked.
 */
size_t sched_run(struct sched *s);

/**
 * sched_leaks() - name the workers that have not finished
 * @s: after sched_run()
 * @line: called with one line for each, at most LEAKS_SHOWN of them, and with
 *	one for all others: the worker's name, what it waits for, what it
 *	holds, and by which calls it came there
 * @arg: for @line
 *
 * Return: how many there are.
 */
size_t sched_leaks(struct sched *s, void (*line)(const char *text, void *arg),
		   void *arg);
void sched_stats(const struct sched *s, struct sched_stats *st);
/* Frees the stacks of leaked workers too, but nothing that they hold. */
void sched_free(struct sched *s);

enum {
	WORKER_STACK = 64 << 10,
	LEAKS_SHOWN = 8,
};

/* Workers. ------------------------------------------------------------------- */

/* As sched_go(), from within.  Context: a worker; does not switch. */
void worker_go(void (*fn)(void *arg), void *arg, const char *name,
	       uint64_t nth);
/* Let others run.  Context: a worker; may switch. */
void worker_yield(void);
/* Context: a worker; may switch. */
void worker_sleep(uint64_t ns);
/* Nanoseconds since the run began.  Context: a worker. */
uint64_t worker_now(void);
/* Is the caller a worker? */
bool worker_here(void);
/* Which one, as in the list of leaks; false: none.  Context: any, handlers too. */
bool worker_name(char *buf, size_t size);
/* A number below @n that the run's seed repeats.  Context: a worker. */
uint32_t worker_draw(uint32_t n);

/**
 * worker_wait_fd() - wait until a file descriptor is ready
 * @fd: which, non-blocking; no other worker waits for it
 * @events: of EPOLLIN, EPOLLOUT
 *
 * It may be ready for an error or a hang-up only: the next read or write says.
 *
 * Context: a worker; may switch.
 * Return: 0, or -errno if @fd cannot be waited for.
 */
int worker_wait_fd(int fd, uint32_t events);

/**
 * worker_replace_thread() - end the thread that runs the caller
 *
 * Another takes its place and its workers, the caller among them.  The thread
 * that called sched_run() stays: then this is worker_yield().
 *
 * Context: a worker; may switch.
 * Return: whether the thread ends.
 */
bool worker_replace_thread(void);

/**
 * worker_holds() - say what a worker has in its hands
 * @what: the pool's name; the pointer is compared, and kept
 * @n: how many objects more; negative: fewer, put or passed on
 *
 * For the list of leaks, and for nothing else: at most HOLDINGS pools each.
 */
void worker_holds(const char *what, long n);

enum {
	HOLDINGS = 20,
};

/* Channels: Go's, of pointers. ----------------------------------------------- */

/**
 * chan_new() - make a channel
 * @name: kept, not copied
 * @room: pointers that wait in it at most; with 0 a sender waits for its
 *	receiver
 *
 * Return: the channel; NULL: no memory.
 */
struct chan *chan_new(const char *name, size_t room);
/* Nobody waits for it any more; what is left in it is forgotten. */
void chan_free(struct chan *c);
/* To send on a closed channel is misuse.  Context: a worker; may switch. */
void chan_send(struct chan *c, void *p);
/* What was sent first.  False: closed, and nothing is left in it, and *p is
 * NULL.  Context: a worker; may switch. */
bool chan_recv(struct chan *c, void **p);
/* Wakes who waits for it.  To close twice is misuse, as is to close a channel
 * that a sender waits for.  Context: a worker. */
void chan_close(struct chan *c);
/* How many pointers wait in it, at some moment. */
size_t chan_len(struct chan *c);

enum chan_how {
	CHAN_SEND,
	CHAN_RECV,
};

struct chan_case {
	struct chan *c; /* NULL: never ready */
	enum chan_how how;
	void *p; /* what to send, or what was received */
	bool ok; /* false: received nothing, for the channel is closed */
};

enum {
	SELECT_MAX = 8,
};

/**
 * chan_select() - do one of several things, whichever can be done
 * @cases: what; the one that was done has its p and ok set
 * @n: how many, at most SELECT_MAX
 * @wait: until one can be done
 *
 * Of several that can be done one is drawn.
 *
 * Context: a worker; may switch if @wait.
 * Return: which was done; -1: none, and not @wait.
 */
int chan_select(struct chan_case *cases, unsigned int n, bool wait);

/* Groups: wait until all of a number of workers are done. ---------------------- */

struct group;

struct group *group_new(const char *name); /* kept, not copied */
void group_free(struct group *g);          /* nobody waits for it */
/* @n more are under way.  Context: a worker, or before the run. */
void group_add(struct group *g, long n);
/* One less; more of these than were added is misuse.  Context: a worker. */
void group_done(struct group *g);
/* Until none is under way.  Context: a worker; may switch. */
void group_wait(struct group *g);

#endif /* STRESS_WORKERS_WORKERS_H */
