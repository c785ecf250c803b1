/* SPDX-License-Identifier: MIT */
/*
 * bench/handover_serve.c - a worker's two threads
 *
 * The main thread produces, on the first CPU; the consumer sits on the second
 * and lives as long as the worker, so that what a thread caches stays.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "bench/handover.h"

static struct ring ring;
static const struct handover *handover;
static sem_t go, done;
static uint64_t objects; /* of the turn under way; passed by go */

static void *consumer(void *unused)
{
	pin(1);
	for (;;) {
		while (sem_wait(&go))
			;
		handover->consume(&ring, objects, handover->ctx);
		sem_post(&done);
	}
	return unused;
}

/* The clock stops when the last object has been put. */
static uint64_t timed(uint64_t n)
{
	uint64_t start = wall_ns();

	objects = n;
	sem_post(&go);
	handover->produce(&ring, n, handover->ctx);
	while (sem_wait(&done))
		;
	return wall_ns() - start;
}

static uint64_t answer(void *unused, const char *what, uint64_t arg)
{
	(void)unused;
	if (!strcmp(what, "run"))
		return timed(arg);
	return handover->answer(handover->ctx, what, arg);
}

int serve_handover(const struct handover *h)
{
	const struct service s = { .answer = answer };
	pthread_t thread;

	handover = h;
	sem_init(&go, 0, 0);
	sem_init(&done, 0, 0);
	pin(0);
	if (pthread_create(&thread, NULL, consumer, NULL)) {
		fprintf(stderr, "percu-bench: no thread\n");
		return 1;
	}
	return serve(&s);
}
