// SPDX-License-Identifier: MIT
/*
 * stress/workers/runq.c - workers that can run, oldest first
 *
 * A queue belongs to a thread, which takes from it and mostly adds to it;
 * others add what they wake for it, and steal.  One short lock each: two
 * threads meet there seldom.  The length is read without it, as a hint, and by
 * threads that go to sleep (see sched.c).
 */
#include "stress/workers/sched.h"

void runq_init(struct runq *q)
{
	pthread_mutex_init(&q->lock, NULL);
	q->last = &q->first;
}

void runq_append(struct runq *q, struct worker *first, struct worker **last,
		 size_t n)
{
	pthread_mutex_lock(&q->lock);
	*q->last = first;
	q->last = last;
	atomic_store(&q->len, q->len + n); /* pairs with work_waits() */
	pthread_mutex_unlock(&q->lock);
}

/* Unlinks what *at points to. (q) */
static struct worker *runq_unlink(struct runq *q, struct worker **at)
{
	struct worker *w = *at;

	*at = w->next;
	if (q->last == &w->next)
		q->last = at;
	w->next = NULL;
	atomic_store_explicit(&q->len, q->len - 1, memory_order_relaxed);
	return w;
}

struct worker *runq_pop(struct thread *t)
{
	struct runq *q = &t->queue;
	struct worker *w = NULL, **at = &q->first;

	if (!atomic_load_explicit(&q->len, memory_order_relaxed))
		return NULL;
	pthread_mutex_lock(&q->lock);
	if (q->len) {
		uint32_t skip = q->len < NEAR ? (uint32_t)q->len : NEAR;

		for (skip = thread_draw(t, skip); skip; skip--)
			at = &(*at)->next;
		w = runq_unlink(q, at);
	}
	pthread_mutex_unlock(&q->lock);
	return w;
}

struct worker *runq_steal(struct thread *t, struct runq *from)
{
	struct worker *first, **last;
	size_t n;

	pthread_mutex_lock(&from->lock);
	first = from->first;
	last = &from->first;
	n = (from->len + 1) / 2;
	for (size_t i = 0; i < n; i++)
		last = &(*last)->next;
	if (n) {
		from->first = *last;
		if (!from->first)
			from->last = &from->first;
		*last = NULL;
		atomic_store_explicit(&from->len, from->len - n,
				      memory_order_relaxed);
	}
	pthread_mutex_unlock(&from->lock);
	if (!n)
		return NULL;
	tally(&t->steals, 1);
	tally(&t->stolen, n);
	if (n > 1)
		runq_append(&t->queue, first->next, last, n - 1);
	first->next = NULL;
	return first;
}
