/* SPDX-License-Identifier: MIT */
/*
 * bench/exchange.h - each thread puts what all the others have got
 *
 * A ring from each thread to each other.  A thread fills a batch, for the next
 * neighbour each time, and puts what has come for it meanwhile; while there is
 * no room it puts what comes, so that two which wait for each other go on.
 */
#ifndef BENCH_EXCHANGE_H
#define BENCH_EXCHANGE_H

#include "bench/handover.h"

struct exchange {
	size_t n;                   /* threads */
	struct ring *ring;          /* from * n + to */
	_Atomic uint64_t producing; /* threads that are not done yet */
};

static inline struct ring *exchange_ring(const struct exchange *x, size_t from,
					 size_t to)
{
	return &x->ring[from * x->n + to];
}

/* Puts what has come to me, from everyone; how many. */
static inline __attribute__((always_inline)) uint64_t
exchange_take(struct exchange *x, size_t me, void (*put)(void *, void *),
	      void *ctx)
{
	uint64_t taken = 0;

	for (size_t from = 0; from < x->n; from++) {
		struct ring *ring = exchange_ring(x, from, me);
		uint64_t tail =
			atomic_load_explicit(&ring->tail, memory_order_relaxed);
		/* The acquire pairs with ring_handed(). */
		uint64_t head =
			atomic_load_explicit(&ring->head, memory_order_acquire);

		if (head == tail)
			continue;
		for (taken += head - tail; tail != head; tail++)
			put(ctx, ring->slot[tail % RING_SLOTS]);
		ring_taken(ring, tail);
	}
	return taken;
}

static inline bool exchange_room(struct ring *ring, uint64_t end)
{
	if (end - ring->tail_seen <= RING_SLOTS)
		return true;
	/* The acquire pairs with ring_taken(). */
	ring->tail_seen =
		atomic_load_explicit(&ring->tail, memory_order_acquire);
	return end - ring->tail_seen <= RING_SLOTS;
}

LOOP loop_exchange(struct exchange *x, size_t me, uint64_t n,
		   void *(*get)(void *), void (*put)(void *, void *), void *ctx)
{
	for (size_t to = me; n;) {
		uint64_t batch = n < RING_BATCH ? n : RING_BATCH, head, end;
		struct ring *ring;

		to = (to + 1) % x->n == me ? (me + 1) % x->n : (to + 1) % x->n;
		ring = exchange_ring(x, me, to);
		head = atomic_load_explicit(&ring->head, memory_order_relaxed);
		for (end = head + batch; !exchange_room(ring, end);)
			if (!exchange_take(x, me, put, ctx))
				relax();
		for (n -= batch; head != end; head++) {
			uint64_t *obj = get(ctx);

			if (!obj)
				abort();
			obj[0] = head;
			ring->slot[head % RING_SLOTS] = obj;
		}
		ring_handed(ring, head);
		exchange_take(x, me, put, ctx);
	}
}

/* What others still send goes on arriving until all are done. */
LOOP exchange_drain(struct exchange *x, size_t me, void (*put)(void *, void *),
		    void *ctx)
{
	atomic_fetch_sub(&x->producing, 1);
	while (atomic_load(&x->producing))
		if (!exchange_take(x, me, put, ctx))
			relax();
	exchange_take(x, me, put, ctx);
}

#endif /* BENCH_EXCHANGE_H */
