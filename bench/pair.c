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
#include "bench/loops.h"

/* What a program may want of a pair, at most, in times of the limit. */
static const double POOL_BOUND = 1.10, INLINE_BOUND = 2.3, ALLOC_BOUND = 1.35;

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
			     (void *)bench_pair };
	void *base[ARRAY_SIZE(fn)];

	for (size_t i = 0; i < ARRAY_SIZE(fn); i++) {
		Dl_info info;

		base[i] = dladdr(fn[i], &info) ? info.dli_fbase : NULL;
	}
	return base[0] != base[2] && base[1] != base[2];
}

static void fill_limit(void)
{
	static char obj[LIMIT_MAX][OBJECT];

	for (size_t i = 0; i < LIMIT_MAX; i++)
		limit_put(obj[i]);
}

static void calls(const char *form, struct percu_pool *pool)
{
	char name[5][64];
	struct contestant c[] = {
		{ .name = name[0], .fn = pair_limit },
		{ .name = name[1], .fn = pair_pool, .ctx = pool },
		{ .name = name[2], .fn = pair_alloc, .ctx = (void *)OBJECT },
		{ .name = name[3], .fn = pair_sized, .ctx = (void *)OBJECT },
	};
	static const char *const what[] = {
		"limit",
		"pool get + put",
		"alloc + free",
		"alloc + free_sized",
	};

	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		snprintf(name[i], sizeof(name[i]), "%s, %s call", what[i],
			 form);
	compare(c, ARRAY_SIZE(c), 0);
	rows_ns(c, ARRAY_SIZE(c));
	snprintf(name[4], sizeof(name[4]), "pool / limit, %s call", form);
	row_most(name[4], c[1].ns / c[0].ns, "x", POOL_BOUND);
	snprintf(name[4], sizeof(name[4]), "alloc + free / limit, %s call",
		 form);
	row_most(name[4], c[2].ns / c[0].ns, "x", ALLOC_BOUND);
	snprintf(name[4], sizeof(name[4]), "free_sized / free, %s call", form);
	row_most(name[4], c[3].ns / c[2].ns, "x", 1);
}

static void inlined(struct percu_pool *pool)
{
	struct contestant c[] = {
		{ .name = "limit, inlined", .fn = limit_inlined },
		{ .name = "pool get + put, inlined",
		  .fn = pair_inlined,
		  .ctx = pool },
	};

	compare(c, ARRAY_SIZE(c), 0);
	rows_ns(c, ARRAY_SIZE(c));
	row_most("pool / limit, inlined", c[1].ns / c[0].ns, "x", INLINE_BOUND);
}

static void sizes(void)
{
	static const size_t size[] = { 8,    16,   128,   512,  1024,
				       4096, 8192, 16384, 32768 };
	struct contestant c[ARRAY_SIZE(size)];
	char name[ARRAY_SIZE(size)][64];

	for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
		snprintf(name[i], sizeof(name[i]), "alloc + free of %zu bytes",
			 size[i]);
		c[i] = (struct contestant){ .name = name[i],
					    .fn = pair_alloc,
					    .ctx = (void *)size[i] };
	}
	compare(c, ARRAY_SIZE(c), 0);
	rows_ns(c, ARRAY_SIZE(c));
}

/* sets: n objects are taken, then all are put back */
struct set {
	size_t n;
	struct percu_pool *pool;
};

static void pool_set(void *ctx, uint64_t iters)
{
	const struct set *s = ctx;

	loop_set(iters, s->n, call_pool_get, call_pool_put, s->pool);
}

static void limit_set(void *ctx, uint64_t iters)
{
	const struct set *s = ctx;

	loop_set(iters, s->n, call_limit_get, call_limit_put, NULL);
}

static void add_set(struct contestant *c, char *name, const char *what,
		    struct set *set, void (*fn)(void *ctx, uint64_t iters))
{
	snprintf(name, 64, "%zu %s gets, then puts", set->n, what);
	*c = (struct contestant){ .name = name,
				  .fn = fn,
				  .ctx = set,
				  .units = (unsigned int)set->n };
}

static void sets(struct percu_pool *pool)
{
	struct set set[] = {
		{ 1, pool }, { 16, pool }, { 256, pool }, { SET_MAX, pool }
	};
	struct contestant c[2 * ARRAY_SIZE(set)];
	char name[ARRAY_SIZE(c)][64];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(set); i++) {
		add_set(&c[n], name[n], "pool", &set[i], pool_set);
		n++;
		if (set[i].n > LIMIT_MAX)
			continue;
		add_set(&c[n], name[n], "limit", &set[i], limit_set);
		n++;
	}
	compare(c, n, 0);
	rows_ns(c, n);
}

bool bench_pair(void)
{
	bool shared = shared_form();
	const char *form = shared ? "shared" : "static";
	struct percu_pool *pool = make_pool("bench-pair", OBJECT);

	pin_last();
	fill_limit();
	if (!shared)
		inlined(pool);
	calls(form, pool);
	if (!shared) {
		sets(pool);
		sizes();
	}
	percu_pool_destroy(pool);
	return shared || !child_run("percu-bench-shared", "pair");
}
