/* SPDX-License-Identifier: MIT */
/*
 * bench/pair.c - a get and a put of 64 bytes on one thread
 *
 * percu and the limit take turns behind the same kind of call.  The same
 * objects are linked twice: percu-bench has libpercu.a and the limit in it,
 * percu-bench-shared calls libpercu.so.0 and limit.so.  Which of the two it
 * is, the program finds out from where the functions really are.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/calls.h"
#include "bench/cases.h"
#include "bench/own_loops.h"

static void *pop_inlined(void *l)
{
	return limit_pop(l);
}

static void push_inlined(void *l, void *p)
{
	limit_push(l, p);
}

static void limit_inlined(void *none, uint64_t iters)
{
	static __thread struct limit stack;
	static char obj[OBJECT];
	struct limit *l = limit_plain(&stack);

	(void)none;
	l->n = 0;
	limit_push(l, obj);
	loop_pair(iters, pop_inlined, push_inlined, l);
}

/* The library and the limit must be reached alike, or nothing is compared. */
static bool shared_form(void)
{
	void *const fn[] = { (void *)percu_pool_get, (void *)limit_get,
			     (void *)case_pair };
	void *base[ARRAY_SIZE(fn)];

	for (size_t i = 0; i < ARRAY_SIZE(fn); i++) {
		Dl_info info;

		base[i] = dladdr(fn[i], &info) ? info.dli_fbase : NULL;
	}
	return base[0] != base[2] && base[1] != base[2];
}

static void calls(const char *group, const char *what, struct percu_pool *pool)
{
	struct contestant c[] = {
		{ .name = "limit",
		  .role = LIMIT,
		  .fn = own_loops("limit")->pair },
		{ .name = "pool",
		  .role = OURS,
		  .fn = own_loops("pool")->pair,
		  .ctx = pool },
		{ .name = "alloc + free",
		  .role = OURS,
		  .fn = own_loops("alloc")->pair,
		  .ctx = (void *)OBJECT },
		{ .name = "alloc + free_sized",
		  .role = OURS,
		  .fn = own_loops("sized")->pair,
		  .ctx = (void *)OBJECT },
	};
	static const struct pairing sized = { 3, 2, "free_sized / free" };
	struct contest ct = { .name = group,
			      .what = what,
			      .x = NO_X,
			      .c = c,
			      .n = ARRAY_SIZE(c),
			      .pairs = &sized,
			      .nr_pairs = 1 };

	contest(&ct);
}

static void inlined(struct percu_pool *pool)
{
	struct contestant c[] = {
		{ .name = "limit", .role = LIMIT, .fn = limit_inlined },
		{ .name = "pool",
		  .role = OURS,
		  .fn = pair_inlined,
		  .ctx = pool },
	};
	struct contest ct = { .name = "pair-inline",
			      .what = "a get and a put of 64 bytes, inlined",
			      .x = NO_X,
			      .c = c,
			      .n = ARRAY_SIZE(c) };

	contest(&ct);
}

bool case_pair(void)
{
	bool shared = shared_form();
	struct percu_pool *pool = make_pool("bench-pair", OBJECT);

	pin_last();
	limit_fill();
	if (shared) {
		calls("pair-shared",
		      "a get and a put of 64 bytes, a shared library's call",
		      pool);
	} else {
		inlined(pool);
		calls("pair-static",
		      "a get and a put of 64 bytes, a direct call", pool);
	}
	percu_pool_destroy(pool);
	return shared || child_case("percu-bench-shared", "pair");
}
