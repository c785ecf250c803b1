// SPDX-License-Identifier: MIT
/*
 * stress/workers/sched.c - threads, what they run, when they sleep
 *
 * Each thread has a queue of workers that can run.  A worker that is woken
 * goes into the queue of the thread that wakes it, and so does a new one, but
 * for those that are scattered.  The next to run is drawn among the NEAR
 * oldest, so that another seed is another order.  A thread whose queue is empty
 * takes half of another's; one that finds nothing anywhere sleeps.  One of
 * those that sleep, the keeper, sleeps in ppoll(), until somebody is due or a
 * file descriptor is ready; the others wait to be signalled, to help or to
 * become the keeper.
 *
 * The run ends when no worker is left, at the limit, or when all threads sleep
 * and nothing is going to happen: then each worker that is left waits for
 * another one that waits.
 */
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-bp.h>
#include "stress/workers/sched.h"

static __thread struct thread *this_thread;

/*
 * A worker comes back from a switch on another thread.  Were this inlined, the
 * compiler could use the address of this_thread that it had before.
 */
__attribute__((noinline)) struct thread *thread_self(void)
{
	__asm__ volatile("");
	return this_thread;
}

void workers_misuse(const char *fmt, ...)
{
	struct thread *t = thread_self();
	const struct worker *w = t ? t->running : NULL;
	va_list ap;

	fflush(stdout);
	flockfile(stderr);
	if (w)
		fprintf(stderr, "workers: misuse: worker \"%s %llu\" ", w->name,
			(unsigned long long)w->nth);
	else
		fprintf(stderr, "workers: misuse: a thread ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	abort();
}

struct worker *worker_self(const char *does)
{
	struct thread *t = thread_self();

	if (!t || !t->running)
		workers_misuse("%s, but is no worker", does);
	return t->running;
}

/* Also by a handler that has interrupted it. */
bool worker_name(char *buf, size_t size)
{
	struct thread *t = thread_self();
	const struct worker *w = t ? t->running : NULL;

	if (w)
		snprintf(buf, size, "worker \"%s %llu\"", w->name,
			 (unsigned long long)w->nth);
	return w;
}

bool worker_here(void)
{
	struct thread *t = thread_self();

	return t && t->running;
}

/* Looking for work. ----------------------------------------------------------- */

static struct worker *steal(struct thread *t)
{
	struct sched *s = t->s;
	unsigned int start = thread_draw(t, s->nr_threads);

	for (unsigned int i = 0; i < s->nr_threads; i++) {
		struct thread *v = &s->threads[(start + i) % s->nr_threads];
		struct worker *w = NULL;

		if (v != t &&
		    atomic_load_explicit(&v->queue.len, memory_order_relaxed))
			w = runq_steal(t, &v->queue);
		if (w)
			return w;
	}
	return NULL;
}

static bool work_waits(const struct sched *s)
{
	for (unsigned int i = 0; i < s->nr_threads; i++)
		if (atomic_load(&s->threads[i].queue.len))
			return true;
	return false;
}

/* Sleeping threads. ------------------------------------------------------------ */

/* Somebody who sleeps shall look for work. */
static void rouse(struct sched *s)
{
	/* Pairs with idle(): either this sees that a thread sleeps, or that
	 * thread sees the length that runq_append() has stored. */
	if (!atomic_load(&s->idles))
		return;
	pthread_mutex_lock(&s->idle);
	if (s->idles > s->keeper)
		pthread_cond_signal(&s->wake);
	else if (s->keeper)
		poll_kick(s);
	pthread_mutex_unlock(&s->idle);
}

void sched_end(struct sched *s)
{
	pthread_mutex_lock(&s->idle);
	atomic_store(&s->ended, true);
	pthread_cond_broadcast(&s->wake);
	poll_kick(s);
	pthread_mutex_unlock(&s->idle);
}

/* (i) No thread is at work, and nobody will be due or ready. */
static bool stuck(const struct sched *s)
{
	return s->idles == s->nr_threads && !work_waits(s) && !poll_expects(s);
}

static void idle(struct thread *t)
{
	struct sched *s = t->s;
	bool ends = false;

	tally(&t->idles, 1);
	pthread_mutex_lock(&s->idle);
	atomic_fetch_add(&s->idles, 1); /* pairs with rouse() */
	if (work_waits(s) || s->ended) {
		/* no sleep */
	} else if (stuck(s)) {
		ends = true;
	} else if (s->keeper) {
		pthread_cond_wait(&s->wake, &s->idle);
	} else {
		atomic_store(&s->keeper, true);
		pthread_mutex_unlock(&s->idle);
		poll_wait(s);
		pthread_mutex_lock(&s->idle);
		atomic_store(&s->keeper, false);
		pthread_cond_signal(&s->wake); /* the next keeper */
	}
	atomic_fetch_sub_explicit(&s->idles, 1, memory_order_relaxed);
	pthread_mutex_unlock(&s->idle);
	if (ends)
		sched_end(s);
}

/* Workers. ------------------------------------------------------------------- */

/* By a thread of the run, or by its owner before it. */
static void enqueue(struct sched *s, struct worker *w)
{
	struct thread *t = thread_self();

	if (!t || t->s != s)
		t = &s->threads[w->id % s->nr_threads];
	else if (s->attr.scatter && !thread_draw(t, s->attr.scatter))
		t = &s->threads[thread_draw(t, s->nr_threads)];
	runq_append(&t->queue, w, &w->next, 1);
	rouse(s);
}

struct worker *park_begin(const char *does, const char *on)
{
	struct worker *w = worker_self(does);

	if (urcu_bp_read_ongoing() && on)
		workers_misuse("%s \"%s\" inside a read section", does, on);
	if (urcu_bp_read_ongoing())
		workers_misuse("%s inside a read section", does);
	w->does = does;
	w->on = on;
	w->also = NULL;
	w->fd = -1;
	atomic_store_explicit(&w->state, PARKING, memory_order_relaxed);
	return w;
}

/* To the thread and, later, back from some thread. */
static void switch_out(struct worker *w)
{
	context_switch(&w->ctx, &thread_self()->ctx, NULL, false);
	while (w->examined) {
		leak_here(w->examined);
		context_switch(&w->ctx, &w->examined->back, NULL, false);
	}
}

void park(struct worker *w)
{
	switch_out(w);
	w->does = NULL;
}

void wake(struct worker *w)
{
	/* Pairs with settle()'s exchange: the one who comes second queues it,
	 * and sees what the other has written. */
	if (atomic_exchange(&w->state, READY) == PARKED)
		enqueue(w->s, w);
}

void worker_yield(void)
{
	struct worker *w = park_begin("yields", NULL);

	atomic_store_explicit(&w->state, RUNNING, memory_order_relaxed);
	switch_out(w);
	w->does = NULL;
}

bool worker_replace_thread(void)
{
	struct worker *w = worker_self("replaces its thread");
	bool ends = thread_self()->nth != 0;

	w->replace = ends;
	worker_yield();
	return ends;
}

static void worker_main(void)
{
	struct worker *w;

	context_arrived();
	w = thread_self()->running;
	w->fn(w->arg);
	park_begin("finishes", NULL);
	atomic_store_explicit(&w->state, FINISHED, memory_order_relaxed);
	context_switch(&w->ctx, &thread_self()->ctx, NULL, true);
	__builtin_trap();
}

static void finish(struct sched *s, struct worker *w)
{
	context_fini(&w->ctx);
	atomic_store_explicit(&w->state, UNUSED, memory_order_relaxed);
	stack_put(&s->stacks, w);
	if (atomic_fetch_sub(&s->live, 1) == 1)
		sched_end(s);
}

/* What is to become of a worker that has come back from a run. */
static void settle(struct thread *t, struct worker *w)
{
	int state = atomic_load_explicit(&w->state, memory_order_relaxed);

	if (state == FINISHED) {
		finish(t->s, w);
		return;
	}
	if (state != RUNNING) {
		state = PARKING;
		if (atomic_compare_exchange_strong(&w->state, &state, PARKED))
			return;
		tally(&t->early, 1);
	}
	enqueue(t->s, w); /* it yields, or has been woken already */
}

static void run(struct thread *t, struct worker *w)
{
	void (*entry)(void) = w->fresh ? worker_main : NULL;

	tally(&t->switches, 1);
	poll_tick(t->s);
	if (w->last != t->nth && !w->fresh)
		tally(&t->moves, 1);
	if (t->s->attr.repeatable)
		atomic_store_explicit(&t->trace, workers_mix(t->trace + w->id),
				      memory_order_relaxed);
	w->fresh = false;
	w->last = t->nth;
	atomic_store_explicit(&w->state, RUNNING, memory_order_relaxed);
	t->running = w;
	context_switch(&t->ctx, &w->ctx, entry, false);
	if (stack_overrun(w))
		workers_misuse("has overrun its stack");
	t->running = NULL;
	t->ends = w->replace;
	w->replace = false;
	settle(t, w);
}

static struct worker *worker_new(struct sched *s, void (*fn)(void *arg),
				 void *arg, const char *name, uint64_t nth)
{
	struct worker *w = stack_get(&s->stacks);
	uint64_t live = atomic_fetch_add(&s->live, 1) + 1;
	uint64_t most = atomic_load(&s->most);

	if (!w) {
		fprintf(stderr, "workers: no memory for a stack: %llu live\n",
			(unsigned long long)live);
		abort();
	}
	while (live > most &&
	       !atomic_compare_exchange_weak(&s->most, &most, live))
		;
	context_init(&w->ctx, (void *)(uintptr_t)w->ctx.bottom, w->ctx.size);
	w->s = s;
	w->next = NULL;
	w->fn = fn;
	w->arg = arg;
	w->name = name;
	w->nth = nth;
	w->id = atomic_fetch_add(&s->started, 1);
	w->fresh = true;
	w->replace = false;
	w->does = w->on = NULL;
	memset(w->holds, 0, sizeof(w->holds));
	atomic_store_explicit(&w->state, READY, memory_order_relaxed);
	return w;
}

void sched_go(struct sched *s, void (*fn)(void *arg), void *arg,
	      const char *name, uint64_t nth)
{
	enqueue(s, worker_new(s, fn, arg, name, nth));
}

void worker_go(void (*fn)(void *arg), void *arg, const char *name, uint64_t nth)
{
	sched_go(worker_self("starts a worker")->s, fn, arg, name, nth);
}

uint32_t worker_draw(uint32_t n)
{
	worker_self("draws");
	return thread_draw(thread_self(), n);
}

void worker_holds(const char *what, long n)
{
	struct worker *w = worker_self("holds something");
	struct holding *end = w->holds + HOLDINGS, *h = w->holds;

	while (h < end && h->what != what)
		h++;
	if (h == end) /* not yet: where there is nothing */
		for (h = w->holds; h < end && h->n; h++)
			;
	if (h == end)
		workers_misuse("holds objects of more than %d pools", HOLDINGS);
	h->n = h->what == what ? h->n + n : n;
	h->what = what;
}

/* Threads. ------------------------------------------------------------------- */

static void thread_loop(struct thread *t)
{
	struct sched *s = t->s;

	for (uint64_t n = 0; !t->ends && !atomic_load(&s->ended); n++) {
		struct worker *w;

		if (s->attr.repeatable || n % POLL_EVERY == 0)
			poll_look(s, n % FDS_EVERY == 0);
		w = runq_pop(t);
		if (!w)
			w = steal(t);
		if (w) {
			run(t, w);
			continue;
		}
		if (!s->attr.repeatable || !poll_skip(s))
			idle(t);
		poll_look(s, true);
	}
}

static void thread_work(struct thread *t)
{
	const struct sched_attr *attr = &t->s->attr;
	struct thread *outer = this_thread;

	this_thread = t;
	t->ends = false;
	context_of_thread(&t->ctx);
	if (attr->enter)
		attr->enter(attr->arg);
	thread_loop(t);
	if (attr->leave)
		attr->leave(attr->arg);
	this_thread = outer;
}

static void *thread_main(void *arg);

static int thread_create(struct thread *t)
{
	const struct sched_attr *attr = &t->s->attr;

	if (attr->start)
		return attr->start(&t->id, thread_main, t);
	return pthread_create(&t->id, NULL, thread_main, t);
}

/* False: there is none to be had. */
static bool thread_replace(struct thread *t)
{
	t->before = pthread_self();
	t->replaces = true;
	if (!thread_create(t))
		return true;
	t->replaces = false;
	return false;
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	struct sched *s = t->s;

	if (t->replaces)
		pthread_join(t->before, NULL);
	do
		thread_work(t);
	while (t->ends && !thread_replace(t));
	if (t->ends)
		return NULL; /* t is another's */
	pthread_mutex_lock(&s->idle);
	s->left++;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->idle);
	return NULL;
}

static void threads_start(struct sched *s)
{
	for (unsigned int i = 1; i < s->nr_threads; i++) {
		int err = thread_create(&s->threads[i]);

		if (!err)
			continue;
		fprintf(stderr, "workers: no thread: %s\n", strerror(err));
		abort();
	}
}

/* Each has joined those that had its place before. */
static void threads_join(struct sched *s)
{
	pthread_mutex_lock(&s->idle);
	while (s->left < s->nr_threads - 1)
		pthread_cond_wait(&s->wake, &s->idle);
	pthread_mutex_unlock(&s->idle);
	for (unsigned int i = 1; i < s->nr_threads; i++)
		pthread_join(s->threads[i].id, NULL);
}

/* The run. ------------------------------------------------------------------- */

static unsigned int cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ?
		       1 :
		       (unsigned int)CPU_COUNT(&set);
}

struct sched *sched_new(const struct sched_attr *attr)
{
	struct sched *s = aligned_alloc(64, sizeof(*s));

	if (!s || (attr->repeatable && attr->threads > 1))
		goto out_free;
	memset(s, 0, sizeof(*s));
	s->attr = *attr;
	s->nr_threads = attr->threads ? attr->threads : cpus();
	if (attr->repeatable)
		s->nr_threads = 1;
	s->threads = aligned_alloc(64, s->nr_threads * sizeof(*s->threads));
	if (!s->threads || poll_init(s))
		goto out_threads;
	stacks_init(&s->stacks, attr->stack ? attr->stack : WORKER_STACK,
		    attr->marks);
	pthread_mutex_init(&s->idle, NULL);
	pthread_cond_init(&s->wake, NULL);
	memset(s->threads, 0, s->nr_threads * sizeof(*s->threads));
	for (unsigned int i = 0; i < s->nr_threads; i++) {
		struct thread *t = &s->threads[i];

		runq_init(&t->queue);
		t->s = s;
		t->nth = i;
		t->rng = workers_mix(attr->seed + i);
	}
	return s;
out_threads:
	free(s->threads);
out_free:
	free(s);
	return NULL;
}

size_t sched_run(struct sched *s)
{
	poll_start(s);
	if (!atomic_load(&s->live))
		return 0;
	threads_start(s);
	thread_work(&s->threads[0]);
	threads_join(s);
	return atomic_load(&s->live);
}

void sched_stats(const struct sched *s, struct sched_stats *st)
{
	memset(st, 0, sizeof(*st));
	st->started = atomic_load(&s->started);
	st->most = atomic_load(&s->most);
	st->stacks = s->stacks.nr_regions * STACKS_REGION * s->stacks.size;
	st->guarded = s->stacks.guarded;
	for (unsigned int i = 0; i < s->nr_threads; i++) {
		const struct thread *t = &s->threads[i];

		st->switches += t->switches;
		st->moves += t->moves;
		st->steals += t->steals;
		st->stolen += t->stolen;
		st->early += t->early;
		st->idles += t->idles;
		st->trace += t->trace;
	}
}

void sched_free(struct sched *s)
{
	stacks_free(&s->stacks);
	poll_fini(s);
	for (unsigned int i = 0; i < s->nr_threads; i++)
		pthread_mutex_destroy(&s->threads[i].queue.lock);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->idle);
	free(s->threads);
	free(s);
}
