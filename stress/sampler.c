// SPDX-License-Identifier: MIT
/*
 * stress/sampler.c - what the statistics said, over time
 *
 * A thread of its own reads the statistics at a steady pace and shows how far
 * the run is.  The samples are in an array of one size: when that is full,
 * every two become one, and the pace halves.  So a run of any length takes the
 * same memory, all of which is there before anything is compared, and the
 * plots of a long run are as fine as those of a short one.  Of two samples the
 * later one stays, with the higher of what goes up and down: a peak is not
 * lost.
 *
 * The thread gets nothing from any pool, and chaos does not know it.
 */
#include <string.h>
#include "sampler.h"

enum {
	TICK_MS = 50
};

static struct sample samples[SAMPLES];
static size_t nr_samples;

static struct {
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool stop;                 /* (lock) */
	uint64_t start;            /* constant */
	unsigned int every, since; /* ticks a sample, ticks since the last */
} sampler = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void read_now(struct sample *s)
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	s->ns = now_ns() - sampler.start;
	s->live = ms.alloc;
	s->objects = ms.heap_objects;
	s->cached = ms.cached;
	s->deferred = ms.deferred;
	s->resident = rss_bytes();
	s->operations = ms.mallocs + ms.frees;
	s->grace_periods = ms.grace_periods;
	s->grace_ns = ms.grace_ns;
	for (size_t i = 0; i < PERCU_NR_CLASSES_MAX; i++)
		s->by_size[i] = ms.by_size[i].bytes;
	s->by_size[PERCU_NR_CLASSES_MAX] = ms.large_bytes;
	for (enum fault_id id = 0; id < NR_FAULTS; id++)
		s->fired[id] = fault_count(id);
}

static uint64_t higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void join(struct sample *to, const struct sample *a,
		 const struct sample *b)
{
	struct sample s = *b;

	s.live = higher(a->live, b->live);
	s.objects = higher(a->objects, b->objects);
	s.cached = higher(a->cached, b->cached);
	s.deferred = higher(a->deferred, b->deferred);
	s.resident = higher(a->resident, b->resident);
	for (size_t i = 0; i <= PERCU_NR_CLASSES_MAX; i++)
		s.by_size[i] = higher(a->by_size[i], b->by_size[i]);
	*to = s;
}

static void halve(void)
{
	for (size_t i = 0; i < SAMPLES / 2; i++)
		join(&samples[i], &samples[2 * i], &samples[2 * i + 1]);
	nr_samples = SAMPLES / 2;
	sampler.every *= 2;
}

/* Of the ticks between two samples the highest counts, too. */
static void tick(struct sample *pending)
{
	struct sample now;

	read_now(&now);
	progress_show(&now);
	if (sampler.since++)
		join(pending, pending, &now);
	else
		*pending = now;
	if (sampler.since < sampler.every)
		return;
	sampler.since = 0;
	samples[nr_samples++] = *pending;
	if (nr_samples == SAMPLES)
		halve();
}

/* True: it is over. */
static bool wait_tick(void)
{
	uint64_t until = now_ns() + TICK_MS * 1000000ull;
	struct timespec ts = { (time_t)(until / 1000000000u),
			       (long)(until % 1000000000u) };
	bool stop;

	pthread_mutex_lock(&sampler.lock);
	while (!sampler.stop &&
	       !pthread_cond_timedwait(&sampler.stopped, &sampler.lock, &ts))
		;
	stop = sampler.stop;
	pthread_mutex_unlock(&sampler.lock);
	return stop;
}

static void *sample(void *arg)
{
	struct sample pending;

	(void)arg;
	do
		tick(&pending);
	while (!wait_tick());
	return NULL;
}

void sampler_prepare(void)
{
	memset(samples, 1, sizeof(samples)); /* resident from here on */
}

void sampler_begin(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&sampler.stopped, &attr);
	pthread_condattr_destroy(&attr);
	sampler.every = 1;
	sampler.start = now_ns();
	sampler.started = !pthread_create(&sampler.thread, NULL, sample, NULL);
}

void sampler_end(void)
{
	struct sample last;

	if (!sampler.started)
		return;
	pthread_mutex_lock(&sampler.lock);
	sampler.stop = true;
	pthread_cond_signal(&sampler.stopped);
	pthread_mutex_unlock(&sampler.lock);
	pthread_join(sampler.thread, NULL);
	sampler.started = false;
	read_now(&last);
	samples[nr_samples++] = last;
	progress_clear();
}

bool sampler_ended(void)
{
	return sampler.start && !sampler.started;
}

uint64_t sampler_start(void)
{
	return sampler.start;
}

const struct sample *sampler_all(size_t *n)
{
	*n = nr_samples;
	return samples;
}
