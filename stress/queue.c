// SPDX-License-Identifier: MIT
/*
 * stress/queue.c - a bounded queue of pointers
 *
 * One mutex, two conditions: who is too fast sleeps, whichever side it is on.
 * Its slowness is wanted: a thread that sleeps here wakes on another CPU.
 */
#include <stdlib.h>
#include <string.h>
#include "words.h"

void queue_init(struct queue *q, size_t room)
{
	memset(q, 0, sizeof(*q));
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->not_empty, NULL);
	pthread_cond_init(&q->not_full, NULL);
	q->ring = must(calloc(room, sizeof(*q->ring)));
	q->room = room;
}

void queue_push(struct queue *q, void *p)
{
	pthread_mutex_lock(&q->lock);
	while (q->len == q->room)
		pthread_cond_wait(&q->not_full, &q->lock);
	q->ring[(q->head + q->len++) % q->room] = p;
	pthread_cond_signal(&q->not_empty);
	pthread_mutex_unlock(&q->lock);
}

void *queue_pop(struct queue *q)
{
	void *p = NULL;

	pthread_mutex_lock(&q->lock);
	while (!q->len && !q->closed)
		pthread_cond_wait(&q->not_empty, &q->lock);
	if (q->len) {
		p = q->ring[q->head];
		q->head = (q->head + 1) % q->room;
		q->len--;
		pthread_cond_signal(&q->not_full);
	}
	pthread_mutex_unlock(&q->lock);
	return p;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->not_empty);
	pthread_mutex_unlock(&q->lock);
}

void queue_destroy(struct queue *q)
{
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->not_empty);
	pthread_cond_destroy(&q->not_full);
	free(q->ring);
}
