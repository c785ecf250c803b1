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
#include "bench/handover.h"

static const double PEER_BOUND = 1.3, GROWTH_BOUND = 1.0;

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

/* The command's side. */

enum {
	RING,
	POOL,
	ALLOC,
	NR_OWN
};

static void start_own(struct contestant *c)
{
	static const char *const name[NR_OWN][2] = {
		{ "ring", "ring alone" },
		{ "pool", "pool get, other CPU puts, shared call" },
		{ "alloc", "alloc, other CPU frees, shared call" },
	};

	for (size_t i = 0; i < NR_OWN; i++) {
		const char *const args[] = { "percu-bench-shared", "worker",
					     "handover", name[i][0], NULL };

		c[i].name = name[i][1];
		c[i].ctx = worker_start(args, NULL);
	}
}

static void report(const struct contestant *c, size_t n)
{
	size_t best = NR_OWN;

	rows_ns(c, n);
	for (size_t i = NR_OWN; i < n; i++)
		if (c[i].ns < c[best].ns)
			best = i;
	row_least("handover: fastest malloc / pool", c[best].ns / c[POOL].ns,
		  "x", PEER_BOUND);
	row_info("handover: fastest malloc / alloc + free",
		 c[best].ns / c[ALLOC].ns, "x");
}

/* What the pool's worker says of itself, and how it grew since before. */
static void report_pool(struct worker *pool, size_t before)
{
	double gets = (double)worker_ask(pool, "gets", 0);
	double misses = (double)worker_ask(pool, "misses", 0);
	double grown = (double)worker_ask(pool, "rss", 0) - (double)before;

	row_info("handover: objects through the pool", gets / 1e6, "M");
	row_info("handover: objects a miss (a depot visit) brings",
		 misses ? gets / misses : 0, "");
	row_most("handover: resident memory grew by", grown / MB, "MiB",
		 GROWTH_BOUND);
}

bool bench_handover(void)
{
	struct contestant c[NR_OWN + NR_PEERS] = { 0 };
	struct peer peers[NR_PEERS];
	size_t nr_peers, n, before;

	if (cpus() < 2) {
		row_skip("handover", "one CPU");
		return true;
	}
	start_own(c);
	nr_peers = peers_start(peers, "handover");
	n = NR_OWN + nr_peers;
	for (size_t i = 0; i < n; i++) {
		c[i].timed = worker_timed;
		c[i].iters = opt.objects / opt.rounds + 1;
		if (i >= NR_OWN) {
			c[i].name = peers[i - NR_OWN].name;
			c[i].ctx = peers[i - NR_OWN].worker;
		}
		worker_timed(c[i].ctx, c[i].iters);
	}
	before = worker_ask(c[POOL].ctx, "rss", 0);
	compare(c, n, 0);
	report(c, n);
	report_pool(c[POOL].ctx, before);
	for (size_t i = 0; i < NR_OWN; i++)
		worker_stop(c[i].ctx);
	peers_stop(peers, nr_peers);
	return true;
}
