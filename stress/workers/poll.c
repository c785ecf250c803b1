// SPDX-License-Identifier: MIT
/*
 * stress/workers/poll.c - the clock, sleepers, file descriptors
 *
 * Sleepers are in a heap, the first that is due on top; those that are due at
 * the same moment wake in the order in which they went to sleep.  Descriptors
 * are the system's to watch, by epoll, once each time that a worker waits.
 *
 * All threads look now and then whether somebody is due or ready; when nobody
 * can run, the keeper waits for that.
 *
 * Virtual time passes by switches, and is moved on to the next sleeper when
 * nobody can run.  Descriptors are not virtual: they are given a moment to
 * become ready before the clock is moved.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "stress/workers/sched.h"

enum {
	EVENTS = 64,
	MOMENT_NS = 1000 * 1000,
};

/* Time. ---------------------------------------------------------------------- */

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t poll_now(const struct sched *s)
{
	if (s->attr.repeatable)
		return atomic_load_explicit(&s->virtual_ns,
					    memory_order_relaxed);
	return clock_ns() - s->start_ns;
}

void poll_tick(struct sched *s)
{
	if (s->attr.repeatable)
		tally(&s->virtual_ns, SLICE_NS);
}

uint64_t worker_now(void)
{
	return poll_now(worker_self("looks at the clock")->s);
}

/* Sleepers. (s) --------------------------------------------------------------- */

static bool sooner(const struct worker *a, const struct worker *b)
{
	return a->due < b->due || (a->due == b->due && a->tie < b->tie);
}

static void heap_push(struct sched *s, struct worker *w)
{
	size_t i = s->nr_heap;

	if (i == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->heap = realloc(s->heap, s->room * sizeof(struct worker *));
		if (!s->heap)
			abort();
	}
	for (; i && sooner(w, s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = w;
	atomic_store_explicit(&s->nr_heap, s->nr_heap + 1,
			      memory_order_relaxed);
}

static struct worker *heap_pop(struct sched *s)
{
	struct worker *top = s->heap[0], *w = s->heap[s->nr_heap - 1];
	size_t n = s->nr_heap - 1, i = 0, child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && sooner(s->heap[child + 1], s->heap[child]))
			child++;
		if (!sooner(s->heap[child], w))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = w;
	atomic_store_explicit(&s->nr_heap, n, memory_order_relaxed);
	return top;
}

static void due_update(struct sched *s)
{
	uint64_t limit = s->attr.limit_ns ? s->attr.limit_ns : UINT64_MAX;
	uint64_t due = s->nr_heap ? s->heap[0]->due : UINT64_MAX;

	atomic_store(&s->due, due < limit ? due : limit);
}

void worker_sleep(uint64_t ns)
{
	struct worker *w = park_begin("sleeps", NULL);
	struct sched *s = w->s;
	bool first;

	pthread_mutex_lock(&s->sleepers);
	w->due = poll_now(s) + ns;
	w->tie = s->ties++;
	heap_push(s, w);
	first = s->heap[0] == w;
	due_update(s);
	pthread_mutex_unlock(&s->sleepers);
	if (first)
		poll_kick(s);
	park(w);
}

/* Somebody who is due; NULL: nobody is. */
static struct worker *sleeper_due(struct sched *s, uint64_t now)
{
	struct worker *w = NULL;

	pthread_mutex_lock(&s->sleepers);
	if (s->nr_heap && s->heap[0]->due <= now)
		w = heap_pop(s);
	due_update(s);
	pthread_mutex_unlock(&s->sleepers);
	return w;
}

/* File descriptors. ------------------------------------------------------------ */

int worker_wait_fd(int fd, uint32_t events)
{
	struct worker *w = park_begin("waits for file descriptor", NULL);
	struct epoll_event ev = { .events = events | EPOLLONESHOT,
				  .data.ptr = w };
	struct sched *s = w->s;
	int err;

	w->fd = fd;
	atomic_fetch_add(&s->fds, 1);
	err = epoll_ctl(s->epoll, EPOLL_CTL_MOD, fd, &ev);
	if (err && errno == ENOENT)
		err = epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev);
	if (err) {
		err = -errno;
		atomic_fetch_sub(&s->fds, 1);
		atomic_store(&w->state, RUNNING);
		return err;
	}
	park(w);
	return 0;
}

static void fds_look(struct sched *s)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(s->epoll, ev, EVENTS, 0);

	for (int i = 0; i < n; i++) {
		atomic_fetch_sub(&s->fds, 1);
		wake(ev[i].data.ptr);
	}
}

/* For threads. ----------------------------------------------------------------- */

void poll_look(struct sched *s, bool fds)
{
	if (atomic_load(&s->due) != UINT64_MAX) {
		uint64_t now = poll_now(s);
		struct worker *w;

		while (now >= atomic_load(&s->due) && (w = sleeper_due(s, now)))
			wake(w);
		if (s->attr.limit_ns && now >= s->attr.limit_ns)
			sched_end(s);
	}
	if (fds && atomic_load_explicit(&s->fds, memory_order_relaxed))
		fds_look(s);
}

/* Ready descriptors, or a kick; whichever comes first, or the time. */
static bool wait_until(struct sched *s, const struct timespec *ts)
{
	struct pollfd p[] = {
		{ .fd = s->epoll, .events = POLLIN },
		{ .fd = s->kick, .events = POLLIN },
	};
	uint64_t kicks;
	int n = ppoll(p, 2, ts, NULL);

	if (n > 0 && p[1].revents && read(s->kick, &kicks, 8) != 8)
		abort();
	return n > 0;
}

void poll_wait(struct sched *s)
{
	uint64_t due = atomic_load(&s->due), now = poll_now(s);
	struct timespec ts;

	if (due == UINT64_MAX || s->attr.repeatable) {
		wait_until(s, NULL);
	} else if (due > now) {
		ts.tv_sec = (time_t)((due - now) / 1000000000);
		ts.tv_nsec = (long)((due - now) % 1000000000);
		wait_until(s, &ts);
	}
}

bool poll_skip(struct sched *s)
{
	const struct timespec moment = { .tv_nsec = MOMENT_NS };
	uint64_t due = atomic_load(&s->due);

	if (s->fds && wait_until(s, &moment))
		return true;
	if (!s->nr_heap && !s->fds)
		return false;
	if (due == UINT64_MAX)
		return false;
	if (due > poll_now(s))
		atomic_store(&s->virtual_ns, due);
	return true;
}

void poll_kick(struct sched *s)
{
	const uint64_t one = 1;

	/* Pairs with the keeper, which says so before it looks who is due. */
	if (atomic_load(&s->keeper) && write(s->kick, &one, 8) != 8)
		abort();
}

bool poll_expects(const struct sched *s)
{
	return atomic_load(&s->nr_heap) || atomic_load(&s->fds);
}

int poll_init(struct sched *s)
{
	pthread_mutex_init(&s->sleepers, NULL);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->kick = eventfd(0, EFD_CLOEXEC);
	return s->epoll < 0 || s->kick < 0 ? -1 : 0;
}

void poll_start(struct sched *s)
{
	s->start_ns = clock_ns();
	due_update(s);
}

void poll_fini(struct sched *s)
{
	close(s->epoll);
	close(s->kick);
	free(s->heap);
	pthread_mutex_destroy(&s->sleepers);
}
