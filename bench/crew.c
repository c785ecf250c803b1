/* SPDX-License-Identifier: MIT */
/*
 * bench/crew.c - threads that wait, and run a loop at once when told to
 *
 * A turn lies between two barriers that the caller passes too.  What a turn is
 * stands in the crew before the first of them and is read behind it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/crew.h"

struct crew {
	unsigned int size;
	bool pinned;
	struct crew_life life;
	pthread_barrier_t start, warm_end,
		end; /* the members', and the caller */
	void (*fn)(void *ctx, uint64_t iters); /* NULL: go home */
	void *ctx;
	uint64_t warm, iters;
	_Atomic unsigned int nr_pinned;
	_Atomic uint64_t cpu, wall;
	pthread_t member[];
};

static void turn(struct crew *crew)
{
	uint64_t cpu, wall;

	if (crew->warm) {
		crew->fn(crew->ctx, crew->warm);
		pthread_barrier_wait(&crew->warm_end);
	}
	wall = wall_ns();
	cpu = thread_ns();
	crew->fn(crew->ctx, crew->iters);
	atomic_fetch_add(&crew->cpu, thread_ns() - cpu);
	atomic_fetch_add(&crew->wall, wall_ns() - wall);
}

static void *member(void *ctx)
{
	struct crew *crew = ctx;

	if (crew->pinned)
		pin(cpus() - 1 -
		    atomic_fetch_add(&crew->nr_pinned, 1) % cpus());
	if (crew->life.enter)
		crew->life.enter();
	for (;;) {
		pthread_barrier_wait(&crew->start);
		if (!crew->fn)
			break;
		turn(crew);
		pthread_barrier_wait(&crew->end);
	}
	if (crew->life.leave)
		crew->life.leave();
	return NULL;
}

struct crew *crew_start(unsigned int size, bool pinned,
			const struct crew_life *life)
{
	struct crew *crew =
		calloc(1, sizeof(*crew) + size * sizeof(crew->member[0]));

	if (!crew) {
		perror("percu-bench");
		exit(1);
	}
	crew->size = size;
	crew->pinned = pinned;
	if (life)
		crew->life = *life;
	pthread_barrier_init(&crew->start, NULL, size + 1);
	pthread_barrier_init(&crew->warm_end, NULL, size);
	pthread_barrier_init(&crew->end, NULL, size + 1);
	for (unsigned int i = 0; i < size; i++) {
		if (pthread_create(&crew->member[i], NULL, member, crew)) {
			fprintf(stderr, "percu-bench: no thread\n");
			exit(1);
		}
	}
	return crew;
}

struct crew_time crew_run(struct crew *crew, void (*fn)(void *, uint64_t),
			  void *ctx, uint64_t warm, uint64_t iters)
{
	crew->fn = fn;
	crew->ctx = ctx;
	crew->warm = warm;
	crew->iters = iters;
	crew->cpu = 0;
	crew->wall = 0;
	pthread_barrier_wait(&crew->start);
	pthread_barrier_wait(&crew->end);
	return (struct crew_time){ crew->cpu, crew->wall };
}

void crew_stop(struct crew *crew)
{
	crew->fn = NULL;
	pthread_barrier_wait(&crew->start);
	for (unsigned int i = 0; i < crew->size; i++)
		pthread_join(crew->member[i], NULL);
	free(crew);
}
