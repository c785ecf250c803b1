/* SPDX-License-Identifier: MIT */
/*
 * bench/latency_serve.c - a worker that keeps each get's time
 *
 *	run N	N gets; this round's histogram is kept apart from all others'
 *	forget	what was so far: it warmed up
 *	age 1	another thread gives back what is idle, all the time; 0: none
 *	of P	the ns within which P of 10^6 gets of the last round were
 *	from B	the least ns of a bucket
 *	in B	how many gets of all rounds are there
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "bench/loops.h"

enum {
	PAUSE_NS = MSEC
};

static const struct subject *subject;
static struct histogram last, all;
static atomic_bool ageing;
static double tick_ns;

static void *ager(void *none)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	pin(0);
	for (;;) {
		if (ageing && subject->release)
			subject->release();
		nanosleep(&pause, NULL);
	}
	return none;
}

static void find_tick(void)
{
	uint64_t ns = wall_ns(), ticks = tick();

	while (wall_ns() - ns < 20 * MSEC)
		;
	ticks = tick() - ticks;
	tick_ns = (double)(wall_ns() - ns) / (double)ticks;
}

static uint64_t run(uint64_t iters)
{
	memset(&last, 0, sizeof(last));
	subject->loops->latency(&last, iters, subject->ctx);
	for (size_t i = 0; i < BUCKETS; i++)
		all.bucket[i] += last.bucket[i];
	all.n += last.n;
	return 0;
}

/* The upper end of the bucket that the last of them is in; in ns/100. */
static uint64_t within(uint64_t per_million)
{
	uint64_t left = last.n * per_million / 1000000;
	unsigned int i = 0;

	while (i + 1 < BUCKETS && left > last.bucket[i])
		left -= last.bucket[i++];
	return (uint64_t)((double)bucket_from(i + 1) * tick_ns * 100);
}

static uint64_t answer(void *none, const char *what, uint64_t arg)
{
	(void)none;
	if (!strcmp(what, "run"))
		return run(arg);
	if (!strcmp(what, "forget")) {
		memset(&all, 0, sizeof(all));
		return 0;
	}
	if (!strcmp(what, "age")) {
		ageing = arg != 0;
		return 0;
	}
	if (!strcmp(what, "of"))
		return within(arg);
	if (!strcmp(what, "from"))
		return (uint64_t)((double)bucket_from((unsigned int)arg) *
				  tick_ns * 100);
	if (!strcmp(what, "in"))
		return all.bucket[arg % BUCKETS];
	return subject_answer(subject, what, arg);
}

int serve_latency(const struct subject *s)
{
	const struct service service = { .answer = answer };
	pthread_t thread;

	subject = s;
	find_tick();
	pin_last();
	die_unless(!pthread_create(&thread, NULL, ager, NULL), "ager");
	return serve(&service);
}
