/* SPDX-License-Identifier: MIT */
/*
 * bench/threads.c - what a get and put cost with more threads than CPUs
 *
 * Teams of 1 to 512 threads take turns on the same CPUs.  A turn is the same
 * number of pairs for each, dealt out evenly; what counts is the time on a CPU
 * that all members together have used, for a pair.  A cache that belongs to
 * CPUs has no reason to charge more when there are more threads.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/calls.h"
#include "bench/loops.h"

enum {
	MAX_TEAM = 512,
	TURN_NS = 60 * MSEC
};

static const double BOUND = 1.25;

struct team {
	unsigned int size;
	struct percu_pool *pool;
	pthread_barrier_t start, end;
	uint64_t pairs;      /* for each; 0: go home.  Passed by start */
	_Atomic uint64_t ns; /* all members' */
	pthread_t member[MAX_TEAM];
};

static void *member(void *ctx)
{
	struct team *team = ctx;

	for (;;) {
		uint64_t start;

		pthread_barrier_wait(&team->start);
		if (!team->pairs)
			return NULL;
		start = thread_ns();
		loop_pair(team->pairs, call_pool_get, call_pool_put,
			  team->pool);
		atomic_fetch_add(&team->ns, thread_ns() - start);
		pthread_barrier_wait(&team->end);
	}
}

static uint64_t turn(void *ctx, uint64_t pairs)
{
	struct team *team = ctx;

	team->pairs = pairs / team->size + 1;
	team->ns = 0;
	pthread_barrier_wait(&team->start);
	pthread_barrier_wait(&team->end);
	return team->ns;
}

static void team_start(struct team *team, unsigned int size,
		       struct percu_pool *pool)
{
	team->size = size;
	team->pool = pool;
	pthread_barrier_init(&team->start, NULL, size + 1);
	pthread_barrier_init(&team->end, NULL, size + 1);
	for (unsigned int i = 0; i < size; i++) {
		if (pthread_create(&team->member[i], NULL, member, team)) {
			fprintf(stderr, "percu-bench: no thread\n");
			exit(1);
		}
	}
}

static void team_stop(struct team *team)
{
	team->pairs = 0;
	pthread_barrier_wait(&team->start);
	for (unsigned int i = 0; i < team->size; i++)
		pthread_join(team->member[i], NULL);
}

bool bench_threads(void)
{
	static const unsigned int size[] = { 1, 2, 8, 64, MAX_TEAM };
	static struct team team[ARRAY_SIZE(size)];
	struct percu_pool *pool = make_pool("bench-threads", OBJECT);
	struct contestant c[ARRAY_SIZE(size)] = { 0 };
	char name[ARRAY_SIZE(size)][64];

	for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
		team_start(&team[i], size[i], pool);
		snprintf(name[i], sizeof(name[i]), "a pair with %u threads",
			 size[i]);
		c[i].name = name[i];
		c[i].timed = turn;
		c[i].ctx = &team[i];
	}
	compare(c, ARRAY_SIZE(size), TURN_NS);
	rows_ns(c, ARRAY_SIZE(size));
	for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
		team_stop(&team[i]);
		snprintf(name[i], sizeof(name[i]), "%u threads / 2 threads",
			 size[i]);
		if (size[i] > 2)
			row_most(name[i], c[i].ns / c[1].ns, "x", BOUND);
	}
	percu_pool_destroy(pool);
	return true;
}
