/* SPDX-License-Identifier: MIT */
/*
 * bench/loops.h - the loops that contestants share
 *
 * Each is inlined into a function that names its get and put as constants, so
 * that the compiler makes direct calls of them: one text, the same
 * instructions around each contestant.  LOOPS_OF() makes all of them for one.
 */
#ifndef BENCH_LOOPS_H
#define BENCH_LOOPS_H

#include "bench/bench.h"
#include "bench/exchange.h"
#include "bench/handover.h"
#include "bench/histogram.h"

LOOP loop_pair(uint64_t iters, void *(*get)(void *),
	       void (*put)(void *, void *), void *ctx)
{
	while (iters--) {
		void *p = get(ctx);

		touch(p);
		put(ctx, p);
	}
}

/*
 * Takes a hundred objects for good: with one alone, an allocator may be busy
 * giving its page back each time.
 */
LOOP loop_keep(void *(*get)(void *), void *ctx)
{
	for (int i = 0; i < 100; i++)
		touch(get(ctx));
}

/* A working set: slots for n objects, which are written when they are got. */
struct set {
	size_t n;
	void **slot;
};

/* Takes n objects, then puts them back in the order in which they came. */
LOOP loop_set(const struct set *set, uint64_t iters, void *(*get)(void *),
	      void (*put)(void *, void *), void *ctx)
{
	while (iters--) {
		for (size_t i = 0; i < set->n; i++) {
			uint64_t *obj = get(ctx);

			*obj = i;
			set->slot[i] = obj;
		}
		for (size_t i = 0; i < set->n; i++)
			put(ctx, set->slot[i]);
	}
}

enum {
	BURST = 64
};

/* Gets of 1 to BURST objects in turn, each get by itself against the clock. */
LOOP loop_latency(struct histogram *h, uint64_t iters, void *(*get)(void *),
		  void (*put)(void *, void *), void *ctx)
{
	void *slot[BURST];

	for (size_t n = 1; iters; n = n % BURST + 1) {
		size_t k = 0;

		for (; k < n && iters; k++, iters--) {
			uint64_t t = tick();

			slot[k] = get(ctx);
			histogram_add(h, tick() - t);
			touch(slot[k]);
		}
		while (k--)
			put(ctx, slot[k]);
	}
}

/* What a worker can be told to do, with one way to get and to put. */
struct loops {
	void (*pair)(void *ctx, uint64_t iters);
	void (*keep)(void *ctx);
	void (*set)(const struct set *set, uint64_t iters, void *ctx);
	void (*latency)(struct histogram *h, uint64_t iters, void *ctx);
	void (*produce)(struct ring *ring, uint64_t n, void *ctx);
	void (*consume)(struct ring *ring, uint64_t n, void *ctx);
	void (*exchange)(struct exchange *x, size_t me, uint64_t n, void *ctx);
};

#define LOOPS_OF(name, get, put)                                               \
	static void name##_pair(void *ctx, uint64_t iters)                     \
	{                                                                      \
		loop_pair(iters, get, put, ctx);                               \
	}                                                                      \
	static void name##_keep(void *ctx)                                     \
	{                                                                      \
		loop_keep(get, ctx);                                           \
	}                                                                      \
	static void name##_set(const struct set *set, uint64_t iters,          \
			       void *ctx)                                      \
	{                                                                      \
		loop_set(set, iters, get, put, ctx);                           \
	}                                                                      \
	static void name##_latency(struct histogram *h, uint64_t iters,        \
				   void *ctx)                                  \
	{                                                                      \
		loop_latency(h, iters, get, put, ctx);                         \
	}                                                                      \
	static void name##_produce(struct ring *ring, uint64_t n, void *ctx)   \
	{                                                                      \
		loop_produce(ring, n, get, ctx);                               \
	}                                                                      \
	static void name##_consume(struct ring *ring, uint64_t n, void *ctx)   \
	{                                                                      \
		loop_consume(ring, n, put, ctx);                               \
	}                                                                      \
	static void name##_exchange(struct exchange *x, size_t me, uint64_t n, \
				    void *ctx)                                 \
	{                                                                      \
		loop_exchange(x, me, n, get, put, ctx);                        \
		exchange_drain(x, me, put, ctx);                               \
	}                                                                      \
	static const struct loops                                              \
		name = {                                                       \
			name##_pair,     name##_keep,    name##_set,           \
			name##_latency,  name##_produce, name##_consume,       \
			name##_exchange,                                       \
		}

/* Who gets nothing: one block for ever, and what is put is dropped. */
static inline void *same_block(void *none)
{
	static char block[OBJECT];

	(void)none;
	return block;
}

static inline void drop_block(void *none, void *p)
{
	(void)none;
	touch(p);
}

#define BARE_LOOPS(name) LOOPS_OF(name, same_block, drop_block)

/*
 * serve_loop.c: a worker's side of a loop; arg is its number, or NULL.
 *
 *	pair		a get and a put
 *	set N		N objects are taken, then put
 *	threads N	a pair by each of N threads
 *	handover	got on one CPU and put on another
 *	exchange N	N threads, each puts what all the others have got
 *	idle N		N threads, which have got and put 1000 objects, sleep
 *	latency		of each get; "age" by what release says
 */
struct subject {
	const struct loops *loops;
	void *ctx;
	uint64_t (*answer)(void *ctx, const char *what, uint64_t arg);
	void (*release)(void); /* gives back what is idle; or NULL */
};
int serve_loop(const struct subject *s, const char *loop, const char *arg);

/* What a loop's worker does not know, its subject may. */
static inline uint64_t subject_answer(const struct subject *s, const char *what,
				      uint64_t arg)
{
	return s->answer ? s->answer(s->ctx, what, arg) : 0;
}

/* The parts of it that have a file of their own. */
int serve_handover(const struct subject *s);
int serve_exchange(const struct subject *s, size_t threads);
int serve_idle(const struct subject *s, size_t threads);
int serve_latency(const struct subject *s);

#endif /* BENCH_LOOPS_H */
