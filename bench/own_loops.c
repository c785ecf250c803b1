/* SPDX-License-Identifier: MIT */
/*
 * bench/own_loops.c - what percu and the limit run, behind a call
 *
 * The limit of a pair is the thread-local stack.  Where objects do not come
 * back to who got them, or are many, no stack would do: there it is a stack of
 * as many as are wanted, or a few blocks for ever, and putting is nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/stats.h>

#include "bench/calls.h"
#include "bench/cases.h"
#include "bench/loops.h"
#include "bench/own_loops.h"

LOOPS_OF(pool_loops, call_pool_get, call_pool_put);
LOOPS_OF(alloc_loops, call_alloc, call_free);
LOOPS_OF(sized_loops, call_alloc, call_free_sized);

/* The limit. ------------------------------------------------------------------- */

enum {
	BLOCKS = RING_SLOTS /* what a ring has no room for is not written */
};

/* Thread-local memory of this size would be every idle thread's, too. */
static void *next_block(void *none)
{
	static __thread char(*block)[OBJECT];
	static __thread size_t i;

	(void)none;
	if (__builtin_expect(!block, 0)) {
		block = aligned_alloc(64, BLOCKS * OBJECT);
		die_unless(block, "limit");
	}
	i = (i + 1) % BLOCKS;
	return block[i];
}

struct stack {
	size_t n;
	void **obj;
};

static void *pop(void *ctx)
{
	struct stack *s = ctx;

	return s->obj[--s->n];
}

static void push(void *ctx, void *p)
{
	struct stack *s = ctx;

	s->obj[s->n++] = p;
}

static void stack_set(const struct set *set, uint64_t iters, void *none)
{
	static struct stack s;

	(void)none;
	if (!s.obj) {
		char *objs = malloc(set->n * OBJECT);

		s.obj = calloc(set->n, sizeof(*s.obj));
		die_unless(s.obj && objs, "limit");
		while (s.n < set->n)
			push(&s, objs + s.n * OBJECT);
	}
	loop_set(set, iters, pop, push, &s);
}

LOOPS_OF(block_loops, next_block, drop_block);
BARE_LOOPS(bare_loops);

static void limit_pair(void *none, uint64_t iters)
{
	loop_pair(iters, call_limit_get, call_limit_put, none);
}

void limit_fill(void)
{
	static char obj[LIMIT_MAX][OBJECT];

	for (size_t i = 0; i < LIMIT_MAX; i++)
		limit_put(obj[i]);
}

const struct loops *own_loops(const char *who)
{
	static struct loops limit;

	if (!strcmp(who, "pool"))
		return &pool_loops;
	if (!strcmp(who, "alloc"))
		return &alloc_loops;
	if (!strcmp(who, "sized"))
		return &sized_loops;
	if (!strcmp(who, "nothing"))
		return &bare_loops;
	limit = block_loops;
	limit.pair = limit_pair;
	limit.set = stack_set;
	return &limit;
}

/* The worker: "field WHO LOOP SIZE [ARG]". -------------------- */

static uint64_t answer(void *pool, const char *what, uint64_t arg)
{
	struct percu_memstats ms;
	struct percu_pool_stats st;

	(void)arg;
	percu_memstats(&ms);
	if (!strcmp(what, "cached"))
		return ms.cached;
	if (!strcmp(what, "idle"))
		return ms.heap_idle - ms.heap_released;
	percu_pool_stats(pool, &st);
	return !strcmp(what, "gets") ? st.gets : st.misses;
}

static void age(void)
{
	percu_age();
}

int work_field(char **args)
{
	struct subject s = {
		.loops = own_loops(args[0]),
		.ctx = (void *)strtoul(args[2], NULL, 10),
		.answer = answer,
		.release = args[0][0] == 'l' ? NULL : age,
	};

	if (!strcmp(args[0], "pool")) {
		s.ctx = make_pool("bench-field", (size_t)s.ctx);
	}
	if (!strcmp(args[0], "limit"))
		limit_fill();
	return serve_loop(&s, args[1], args[3]);
}
