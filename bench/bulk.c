/* SPDX-License-Identifier: MIT */
/*
 * bench/bulk.c - several objects at once, and objects that take long to make
 *
 * Bulk: n objects by one call, and n by n calls.  Whoever hands them over has
 * to move n pointers twice: the limit is memcpy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <percu/alloc.h>
#include <percu/pool.h>

#include "bench/bench.h"
#include "bench/calls.h"
#include "bench/cases.h"
#include "bench/ctor.h"

enum {
	MOST = 256
};

struct bulk {
	struct percu_pool *pool;
	size_t n;
	void *from[MOST], *to[MOST];
};

static void by_one_call(void *ctx, uint64_t iters)
{
	struct bulk *b = ctx;

	while (iters--) {
		size_t n = percu_pool_get_bulk(b->pool, b->to, b->n);

		touch(b->to);
		percu_pool_put_bulk(b->pool, b->to, n);
	}
}

static void one_by_one(void *ctx, uint64_t iters)
{
	struct bulk *b = ctx;

	while (iters--) {
		for (size_t i = 0; i < b->n; i++)
			b->to[i] = percu_pool_get(b->pool);
		touch(b->to);
		for (size_t i = 0; i < b->n; i++)
			percu_pool_put(b->pool, b->to[i]);
	}
}

static void copies(void *ctx, uint64_t iters)
{
	struct bulk *b = ctx;

	while (iters--) {
		memcpy(b->to, b->from, b->n * sizeof(b->to[0]));
		touch(b->to);
		memcpy(b->from, b->to, b->n * sizeof(b->to[0]));
		touch(b->from);
	}
}

static void one_size(struct percu_pool *pool, size_t n)
{
	static struct bulk b;
	struct contestant c[] = {
		{ .name = "memcpy, twice", .role = LIMIT, .fn = copies },
		{ .name = "get_bulk + put_bulk",
		  .role = OURS,
		  .fn = by_one_call },
		{ .name = "get + put, one by one", .fn = one_by_one },
	};
	static const struct pairing pair = { 2, 1, "one by one / bulk" };
	struct contest ct = {
		.name = "bulk",
		.what = "n objects got and put at once: one",
		.x = (double)n,
		.axis = "objects",
		.c = c,
		.n = ARRAY_SIZE(c),
		.pairs = &pair,
		.nr_pairs = 1,
	};

	b.pool = pool;
	b.n = n;
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		c[i].ctx = &b;
		c[i].units = (unsigned int)n;
	}
	contest(&ct);
}

bool case_bulk(void)
{
	struct percu_pool *pool = make_pool("bench-bulk", OBJECT);

	pin_last();
	for (size_t n = 1; n <= MOST; n *= 4)
		one_size(pool, n);
	percu_pool_destroy(pool);
	return true;
}

/* Objects that take long to make: ctor.h. --------------------------------------- */

static int make(void *obj, void *none)
{
	char *buffer = percu_alloc(BUFFER);

	(void)none;
	if (!buffer)
		return -ENOMEM;
	session_init(obj, buffer);
	return 0;
}

static void unmake(void *obj, void *none)
{
	struct session *s = obj;

	(void)none;
	session_fini(s);
	percu_free(s->buffer);
}

static void made_once(void *pool, uint64_t iters)
{
	while (iters--) {
		struct session *s = percu_pool_get(pool);

		s->used++;
		touch(s);
		percu_pool_put(pool, s);
	}
}

static void made_each_time(void *none, uint64_t iters)
{
	loop_built(iters, call_alloc, call_free, none);
}

/*
 * The worker: "ctor pool|alloc", of percu-bench-shared, so that its library is
 * as far from the loop as each malloc is.
 */
int work_ctor(char **args)
{
	const struct percu_pool_attr attr = { .name = "bench-ctor",
					      .size = sizeof(struct session),
					      .ctor = make,
					      .dtor = unmake };
	struct service s = { .fn = made_each_time };

	if (!strcmp(args[0], "pool")) {
		s.fn = made_once;
		s.ctx = percu_pool_create(&attr);
		die_unless(s.ctx, "percu_pool_create");
	}
	return serve(&s);
}

static struct contestant ctor(const char *name, const char *how, enum role role)
{
	const char *const args[] = { "percu-bench-shared", "worker", "ctor",
				     how, NULL };

	return (struct contestant){ .name = name,
				    .role = role,
				    .timed = worker_timed,
				    .ctx = worker_start(args, NULL) };
}

bool case_ctor(void)
{
	struct contestant c[2 + NR_PEERS];
	struct contest ct = {
		.name = "ctor",
		.what = "an object with locks, lists and a buffer",
		.x = NO_X,
		.c = c,
	};
	struct peer peers[NR_PEERS];
	size_t n;

	pin_last();
	c[0] = ctor("pool with a ctor", "pool", OURS);
	c[1] = ctor("alloc, make, unmake, free", "alloc", PLAIN);
	n = peers_start(peers, "ctor", "0", NULL);
	ct.n = peers_join(c, 2, peers, n);
	contest(&ct);
	peers_stop(peers, n);
	worker_stop(c[0].ctx);
	worker_stop(c[1].ctx);
	return true;
}
