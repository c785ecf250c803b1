/* SPDX-License-Identifier: MIT */
/*
 * bench/ctor.h - an object that takes long to make
 *
 * As a server's session may be: two locks, a table of empty lists, a buffer of
 * its own.  A pool keeps it made; who allocates makes it each time.
 */
#ifndef BENCH_CTOR_H
#define BENCH_CTOR_H

#include <pthread.h>

#include "bench/loops.h"

enum {
	HEADS = 16,
	BUFFER = 256
};

struct session {
	pthread_mutex_t lock;
	pthread_cond_t ready;
	struct head {
		struct head *next, *prev;
	} heads[HEADS];
	char *buffer;
	uint64_t used;
};

static inline void session_init(struct session *s, char *buffer)
{
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->ready, NULL);
	for (int i = 0; i < HEADS; i++)
		s->heads[i].next = s->heads[i].prev = &s->heads[i];
	s->buffer = buffer;
	s->used = 0;
}

static inline void session_fini(struct session *s)
{
	pthread_cond_destroy(&s->ready);
	pthread_mutex_destroy(&s->lock);
}

/* Makes one, uses it, and takes it apart; a buffer is BUFFER bytes. */
LOOP loop_built(uint64_t iters, void *(*get)(void *),
		void (*put)(void *, void *), void *none)
{
	(void)none;
	while (iters--) {
		struct session *s = get((void *)sizeof(*s));

		session_init(s, get((void *)BUFFER));
		s->used++;
		touch(s);
		put((void *)BUFFER, s->buffer);
		session_fini(s);
		put((void *)sizeof(*s), s);
	}
}

#endif /* BENCH_CTOR_H */
