/* SPDX-License-Identifier: MIT */
/*
 * bench/idle_serve.c - a worker's threads that sleep
 *
 * Each gets a thousand objects, writes them, puts them back, and waits for
 * ever.  All have used the same of their stacks.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "bench/loops.h"

enum {
	OBJECTS = 1000,
	STACK = 256 * KB,
	STACK_USED = 24 * KB
};

static const struct subject *subject;
static sem_t slept, never;

static __attribute__((noinline)) void use_stack(void)
{
	char used[STACK_USED];

	memset(used, 0, sizeof(used));
	touch(used);
}

static void *sleeper(void *unused)
{
	void *slot[OBJECTS];
	const struct set set = { OBJECTS, slot };

	use_stack();
	subject->loops->set(&set, 1, subject->ctx);
	sem_post(&slept);
	while (sem_wait(&never))
		;
	return unused;
}

int serve_idle(const struct subject *s, size_t threads)
{
	const struct service service = { .answer = s->answer, .ctx = s->ctx };
	pthread_attr_t attr;
	pthread_t thread;

	subject = s;
	sem_init(&slept, 0, 0);
	sem_init(&never, 0, 0);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (size_t i = 0; i < threads; i++) {
		if (pthread_create(&thread, &attr, sleeper, NULL)) {
			fprintf(stderr,
				"percu-bench: no more than %zu threads\n", i);
			return 1;
		}
	}
	for (size_t i = 0; i < threads;)
		i += !sem_wait(&slept);
	return serve(&service);
}
