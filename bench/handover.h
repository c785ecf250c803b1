/* SPDX-License-Identifier: MIT */
/*
 * bench/handover.h - one thread gets objects, another puts them
 *
 * The two are on CPUs of their own, with a bounded ring between them: every
 * object leaves on one CPU and comes back on the other, which is the worst
 * that can happen to a cache.  Both write or read the object.
 *
 * head: objects handed over, ever.  tail: objects taken, ever.  Each side has
 * its own cache line, on which it also remembers what it last saw of the other.
 * Both wait for, and publish, a batch at a time: with single objects the two
 * run in lockstep, and the ring's cache lines are all that is measured.
 */
#ifndef BENCH_HANDOVER_H
#define BENCH_HANDOVER_H

#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "bench/bench.h"

enum {
	RING_SLOTS = 1024,
	RING_BATCH = 32,
};

struct ring {
	_Alignas(64) _Atomic uint64_t head;  /* written by the producer */
	uint64_t tail_seen;                  /* the producer's */
	_Alignas(64) _Atomic uint64_t tail;  /* written by the consumer */
	uint64_t head_seen;                  /* the consumer's */
	_Alignas(64) void *slot[RING_SLOTS]; /* passed by head and tail */
};

/* In turn: wait a little, and let others run: the other side may be waiting. */
static inline void relax(void)
{
	static __thread unsigned int spins;

#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
	if (++spins % 256 == 0)
		sched_yield();
}

static inline uint64_t ring_batch(uint64_t left)
{
	return left < RING_BATCH ? left : RING_BATCH;
}

/* Waits for the slots below head.  The acquire pairs with ring_taken(). */
static inline void ring_wait_room(struct ring *ring, uint64_t head)
{
	while (head - ring->tail_seen > RING_SLOTS) {
		relax();
		ring->tail_seen =
			atomic_load_explicit(&ring->tail, memory_order_acquire);
	}
}

/* Waits for the objects below tail.  The acquire pairs with ring_handed(). */
static inline void ring_wait_objects(struct ring *ring, uint64_t tail)
{
	while (ring->head_seen < tail) {
		relax();
		ring->head_seen =
			atomic_load_explicit(&ring->head, memory_order_acquire);
	}
}

/* The release pairs with ring_wait_objects(): slots and objects are written. */
static inline void ring_handed(struct ring *ring, uint64_t head)
{
	atomic_store_explicit(&ring->head, head, memory_order_release);
}

/* The release pairs with ring_wait_room(): the slots have been read. */
static inline void ring_taken(struct ring *ring, uint64_t tail)
{
	atomic_store_explicit(&ring->tail, tail, memory_order_release);
}

LOOP loop_produce(struct ring *ring, uint64_t n, void *(*get)(void *),
		  void *ctx)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	for (uint64_t end = head + n; head != end; ring_handed(ring, head)) {
		uint64_t stop = head + ring_batch(end - head);

		for (ring_wait_room(ring, stop); head != stop; head++) {
			uint64_t *obj = get(ctx);

			if (!obj)
				abort();
			obj[0] = head;
			obj[7] = ~head;
			ring->slot[head % RING_SLOTS] = obj;
		}
	}
}

LOOP loop_consume(struct ring *ring, uint64_t n, void (*put)(void *, void *),
		  void *ctx)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	for (uint64_t end = tail + n; tail != end; ring_taken(ring, tail)) {
		uint64_t stop = tail + ring_batch(end - tail);

		for (ring_wait_objects(ring, stop); tail != stop; tail++) {
			uint64_t *obj = ring->slot[tail % RING_SLOTS];

			if (obj[0] != tail || obj[7] != ~tail)
				abort();
			put(ctx, obj);
		}
	}
}

#endif /* BENCH_HANDOVER_H */
