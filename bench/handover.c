/* SPDX-License-Identifier: MIT */
/*
 * bench/handover.c - producer and consumer on CPUs of their own
 *
 * Objects pile up where they are put and run out where they are got; what
 * brings them back is the depot, a magazine at a time.  Besides the speed it
 * is counted how many objects a visit there brings, and seen to that memory
 * does not grow with the objects that went through.
 *
 * "ring alone" hands over the same few blocks for ever: what is left when the
 * allocator costs nothing.
 */
#include <stdio.h>
#include <string.h>

#include "bench/calls.h"
#include "bench/cases.h"
#include "bench/handover.h"

/* The worker's side. */

static void pool_produce(struct ring *ring, uint64_t n, void *pool)
{
	loop_produce(ring, n, call_pool_get, pool);
}

static void pool_consume(struct ring *ring, uint64_t n, void *pool)
{
	loop_consume(ring, n, call_pool_put, pool);
}

static void alloc_produce(struct ring *ring, uint64_t n, void *size)
{
	loop_produce(ring, n, call_alloc, size);
}

static void alloc_consume(struct ring *ring, uint64_t n, void *size)
{
	loop_consume(ring, n, call_free, size);
}

/* As many as the ring has slots: what it has no room for is not written. */
static void *next_block(void *at)
{
	static _Alignas(64) char block[RING_SLOTS][OBJECT];
	size_t *i = at;

	*i = (*i + 1) % RING_SLOTS;
	return block[*i];
}

static void drop_block(void *at, void *p)
{
	(void)at;
	touch(p);
}

static void ring_produce(struct ring *ring, uint64_t n, void *at)
{
	loop_produce(ring, n, next_block, at);
}

static void ring_consume(struct ring *ring, uint64_t n, void *at)
{
	loop_consume(ring, n, drop_block, at);
}

static uint64_t pool_answer(void *pool, const char *what, uint64_t arg)
{
	struct percu_pool_stats st;

	(void)arg;
	percu_pool_stats(pool, &st);
	return !strcmp(what, "gets") ? st.gets : st.misses;
}

int work_handover(char **args)
{
	static size_t at;
	struct handover h = { ring_produce, ring_consume, &at, NULL };

	if (!strcmp(args[0], "pool"))
		h = (struct handover){ pool_produce, pool_consume,
				       make_pool("bench-handover", OBJECT),
				       pool_answer };
	if (!strcmp(args[0], "alloc"))
		h = (struct handover){ alloc_produce, alloc_consume,
				       (void *)OBJECT, NULL };
	return serve_handover(&h);
}

/* The case's side. */

enum {
	RING,
	POOL,
	ALLOC,
	NR_OWN
};

static void start_own(struct contestant *c)
{
	static const struct {
		const char *job, *name;
		enum role role;
	} own[NR_OWN] = {
		{ "ring", "ring alone", LIMIT },
		{ "pool", "pool", OURS },
		{ "alloc", "alloc + free", OURS },
	};

	for (size_t i = 0; i < NR_OWN; i++) {
		const char *const args[] = { "percu-bench-shared", "worker",
					     "handover", own[i].job, NULL };

		c[i] = (struct contestant){ .name = own[i].name,
					    .role = own[i].role,
					    .timed = worker_timed,
					    .ctx = worker_start(args, NULL) };
	}
}

/* What the pool's worker says of itself, and how it grew since before. */
static void report_pool(struct worker *pool, size_t before)
{
	double gets = (double)worker_ask(pool, "gets", 0);
	double misses = (double)worker_ask(pool, "misses", 0);
	double grown = (double)worker_ask(pool, "rss", 0) - (double)before;

	row_figure("handover", NO_X, "pool: objects passed", gets / 1e6, "M");
	row_figure("handover", NO_X, "pool: objects a visit to the depot",
		   misses > 0 ? gets / misses : gets, "");
	row_figure("handover", NO_X, "pool: resident memory grew by",
		   grown / MB, "MiB");
}

bool case_handover(void)
{
	struct contestant c[NR_OWN + NR_PEERS];
	struct contest ct = { .name = "handover",
			      .what = "got on one CPU, put on another",
			      .x = NO_X,
			      .c = c,
			      .turn_ns = 3 * MSEC };
	struct peer peers[NR_PEERS];
	size_t n, before;

	if (cpus() < 2) {
		row_skip("handover", "handover", "one CPU");
		return true;
	}
	start_own(c);
	n = peers_start(peers, "handover", NULL);
	ct.n = peers_join(c, NR_OWN, peers, n);
	worker_timed(c[POOL].ctx, by_scale(200000, 200000, 1000));
	before = worker_ask(c[POOL].ctx, "rss", 0);
	contest(&ct);
	report_pool(c[POOL].ctx, before);
	for (size_t i = 0; i < NR_OWN; i++)
		worker_stop(c[i].ctx);
	peers_stop(peers, n);
	return true;
}
