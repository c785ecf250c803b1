/* SPDX-License-Identifier: MIT */
/*
 * bench/handover_serve.c - a worker's two threads
 *
 * The main thread produces, on the first CPU; the consumer sits on the second
 * and lives as long as the worker, so that what a thread caches stays.
 *
 * Neither side sleeps while objects pass, so on an idle machine the time that
 * each has on its CPU is what the clock on the wall says.  On a busy one, a
 * side that waits for the other, which is not running, is charged for it: the
 * side with less of it was there to work, and is the one that counts.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "bench/loops.h"

static struct ring ring;
static const struct subject *subject;
static sem_t go, done;
static uint64_t objects;     /* of the turn under way; passed by go */
static uint64_t consumer_ns; /* on its CPU; passed by done */

static void *consumer(void *unused)
{
	pin(1);
	for (;;) {
		uint64_t start;

		while (sem_wait(&go))
			;
		start = thread_ns();
		subject->loops->consume(&ring, objects, subject->ctx);
		consumer_ns = thread_ns() - start;
		sem_post(&done);
	}
	return unused;
}

static uint64_t timed(uint64_t n)
{
	uint64_t start, producer_ns;

	objects = n;
	sem_post(&go);
	start = thread_ns();
	subject->loops->produce(&ring, n, subject->ctx);
	producer_ns = thread_ns() - start;
	while (sem_wait(&done))
		;
	return producer_ns < consumer_ns ? producer_ns : consumer_ns;
}

static uint64_t answer(void *unused, const char *what, uint64_t arg)
{
	(void)unused;
	if (!strcmp(what, "run"))
		return timed(arg);
	return subject_answer(subject, what, arg);
}

int serve_handover(const struct subject *s)
{
	const struct service service = { .answer = answer };
	pthread_t thread;

	subject = s;
	sem_init(&go, 0, 0);
	sem_init(&done, 0, 0);
	pin(0);
	if (pthread_create(&thread, NULL, consumer, NULL)) {
		fprintf(stderr, "percu-bench: no thread\n");
		return 1;
	}
	return serve(&service);
}
