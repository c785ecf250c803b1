/* SPDX-License-Identifier: MIT */
/* tests/vec_torture_read.c - readers, in threads and in signal handlers */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/vec_torture.h"

enum {
	PART = 200,     /* slots of a long view that a walk looks at */
	TICK = 1000000, /* nanoseconds between signals */
};

/* Readers. ------------------------------------------------------------------- */

static void linger(struct looker *l)
{
	uint32_t p = check_rand_below(&l->rand, 512);
	const struct timespec moment = { 0, 500000 };

	if (p == 0)
		nanosleep(&moment, NULL);
	else if (p < 64)
		sched_yield();
}

/* Where a long walk begins; most look at a part only. */
static size_t some_start(struct looker *l, size_t len)
{
	if (len < 300 || !check_rand_below(&l->rand, 16))
		return 0;
	return check_rand_below(&l->rand, (uint32_t)len - PART);
}

static size_t some_end(size_t len, size_t from)
{
	return from && len - from > PART ? from + PART : len;
}

static void walk_up(struct looker *l, struct percu_view view)
{
	size_t len = percu_view_len(view), from = some_start(l, len);
	size_t end = some_end(len, from);

	for (size_t i = from; i < end; i++) {
		struct element *e = percu_view_get(view, i);

		if (e)
			element_look(l, e);
	}
}

static void walk_down(struct looker *l, struct percu_view view)
{
	size_t len = percu_view_len(view), from = some_start(l, len);

	for (size_t i = some_end(len, from); i-- > from;) {
		struct element *e = percu_view_get(view, i);

		if (e)
			element_look(l, e);
	}
}

static void walk_each(struct looker *l, struct percu_view view)
{
	struct element *e;
	size_t i, n = 0;

	percu_view_for_each (view, i, e) {
		element_look(l, e);
		if (++n == 300)
			break;
	}
}

static void walk_gets(struct looker *l, const struct percu_vec *v)
{
	size_t len = percu_vec_len(v);

	for (int n = 0; len && n < 32; n++) {
		struct element *e = percu_vec_get(
			v, check_rand_below(&l->rand, (uint32_t)len));

		if (e)
			element_look(l, e);
	}
}

/*
 * Law of a queue: nothing missed, nothing twice, nothing moved; and no holes
 * but where memory lacked.
 */
static void walk_queue(struct looker *l, struct percu_view view)
{
	size_t len = percu_view_len(view), from = some_start(l, len);
	size_t end = some_end(len, from);
	uint64_t first = 0;
	bool known = false;

	for (size_t i = from; i < end; i++) {
		struct element *e = percu_view_get(view, i);

		if (!e) {
			if (!starves())
				crime(OUT_OF_ORDER);
			continue;
		}
		if (!element_look(l, e))
			continue;
		if (!known)
			first = e->number - (i - from);
		else if (e->number != first + (i - from))
			crime(OUT_OF_ORDER);
		known = true;
	}
}

/* Law of a snapshot: a second look finds the same, or a hole since. */
static void view_again(struct looker *l, struct percu_view view)
{
	size_t len = percu_view_len(view), from = some_start(l, len);
	void *was[16];
	size_t n = len - from < 16 ? len - from : 16;

	for (size_t i = 0; i < n; i++)
		was[i] = percu_view_get(view, from + i);
	linger(l);
	for (size_t i = 0; i < n; i++) {
		void *is = percu_view_get(view, from + i);

		if (is != was[i] && is)
			crime(VIEW_CHANGED);
	}
}

static void section(struct looker *l, const struct subject *s)
{
	struct percu_view view = percu_vec_view(&s->vec);

	switch (check_rand_below(&l->rand, 5)) {
	case 0:
		walk_up(l, view);
		break;
	case 1:
		walk_down(l, view);
		break;
	case 2:
		walk_each(l, view);
		break;
	case 3:
		walk_gets(l, &s->vec);
		break;
	case 4:
		if (!s->flags)
			view_again(l, view);
		break;
	}
	if (s->queue)
		walk_queue(l, view);
	linger(l);
	looker_again(l);
}

static const struct subject *some_subject(struct check_rand *r)
{
	return &subjects[check_rand_below(r, NR_SUBJECTS)];
}

/* Signals. ------------------------------------------------------------------- */

static __thread struct looker of_handler;
static __thread timer_t ticking;

/* A whole section, maybe inside one that it interrupts. */
void handler(int sig)
{
	struct looker *l = &of_handler;
	const struct subject *s = some_subject(&l->rand);
	int err = errno;

	(void)sig;
	reader_lock(flavor);
	walk_up(l, percu_vec_view(&s->vec));
	walk_gets(l, &s->vec);
	looker_again(l);
	reader_unlock(flavor);
	__atomic_add_fetch(&signals, 1, __ATOMIC_RELAXED);
	errno = err;
}

void signals_begin(uint64_t seed)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID,
			       .sigev_signo = section_signal };
	struct itimerspec every = { { 0, TICK }, { 0, TICK } };

	if (!section_signal)
		return;
	of_handler.rand.state = seed;
	ev._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &ev, &ticking) ||
	    timer_settime(ticking, 0, &every, NULL))
		abort();
}

/* No signal comes after it. */
void signals_end(void)
{
	struct timespec none = { 0, 0 };
	sigset_t set;

	if (!section_signal)
		return;
	sigemptyset(&set);
	sigaddset(&set, section_signal);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	timer_delete(ticking);
	while (sigtimedwait(&set, NULL, &none) == section_signal)
		;
	looker_end(&of_handler);
	memset(&of_handler, 0, sizeof(of_handler));
}

void reader(uint64_t seed)
{
	struct looker l = { .rand = { seed } };
	unsigned long walks = 0;

	reader_begin(flavor);
	signals_begin(~seed);
	while (!stopped()) {
		reader_lock(flavor);
		section(&l, some_subject(&l.rand));
		reader_unlock(flavor);
		walks++;
	}
	signals_end();
	reader_end(flavor);
	__atomic_add_fetch(&tt.walks, walks, __ATOMIC_RELAXED);
	looker_end(&l);
}
