/* SPDX-License-Identifier: MIT */
/*
 * bench/vec_read.c - reading a vector against reading an array
 *
 * All in one read section, for what a section costs is not the vector's.  Both
 * sides load the root anew for each element that is got by its index: touch()
 * says to the compiler that all memory may have changed.  In a loop over all
 * elements the array has no root, and nothing need be loaded but its slots.
 *
 * Of a long array a processor has dozens of gets under way at once, as many as
 * it finds room for; of a tree fewer, whose instructions are more.  So there
 * are two figures: gets that do not wait for each other, and gets in turn.
 */
#include <stdio.h>

#include "bench/vec.h"

static const double GET_BOUND = 1.15, EACH_BOUND = 1.10, LARGE_GET_BOUND = 3,
		    LARGE_EACH_BOUND = 1.2;

/* The value is used, and that is all. */
static inline void use(const void *p)
{
	__asm__ __volatile__("" : : "r"(p));
}

/* One element. -------------------------------------------------------------- */

static void vec_random(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	const uint32_t *order = t->order;
	size_t mask = t->order_len - 1;

	for (uint64_t k = 0; k < iters; k++)
		touch(percu_vec_get(&t->vec, order[k & mask]));
}

static void flat_random(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	const uint32_t *order = t->order;
	size_t mask = t->order_len - 1;

	for (uint64_t k = 0; k < iters; k++)
		touch(flat_get(&t->flat, order[k & mask]));
}

/* Neither root nor length: no reader of what changes can do with so little. */
static void array_random(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	const uint32_t *order = t->order;
	void *const *slot = t->flat->slot;
	size_t mask = t->order_len - 1;

	for (uint64_t k = 0; k < iters; k++)
		touch(slot[order[k & mask]]);
}

/* Where to look next is known when the last one is there: its lowest bit, 0. */
static inline size_t depend(const void *p)
{
	uintptr_t bit = (uintptr_t)p & 1;

	__asm__ __volatile__("" : "+r"(bit) : : "memory");
	return bit;
}

static void vec_in_turn(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	const uint32_t *order = t->order;
	size_t mask = t->order_len - 1, zero = 0;

	for (uint64_t k = 0; k < iters; k++)
		zero = depend(percu_vec_get(&t->vec, order[k & mask] + zero));
}

static void array_in_turn(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	const uint32_t *order = t->order;
	void *const *slot = t->flat->slot;
	size_t mask = t->order_len - 1, zero = 0;

	for (uint64_t k = 0; k < iters; k++)
		zero = depend(slot[order[k & mask] + zero]);
}

static void vec_in_order(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	size_t len = t->len;

	for (size_t i = 0; iters--; i = i + 1 < len ? i + 1 : 0)
		touch(percu_vec_get(&t->vec, i));
}

static void flat_in_order(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	size_t len = t->len;

	for (size_t i = 0; iters--; i = i + 1 < len ? i + 1 : 0)
		touch(flat_get(&t->flat, i));
}

/* All elements. -------------------------------------------------------------- */

static void vec_each(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	size_t i;
	void *obj;

	while (iters--)
		percu_vec_for_each (&t->vec, i, obj)
			use(obj);
}

static void array_each(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;

	while (iters--)
		for (size_t i = 0; i < t->len; i++)
			use(t->flat->slot[i]);
}

static void vec_each_value(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	uint64_t *obj, sum = 0;
	size_t i;

	while (iters--)
		percu_vec_for_each (&t->vec, i, obj)
			sum += *obj;
	use((void *)sum);
}

/* What it loads is at an address that it loads: that much is not vectorised. */
static void array_each_value(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	uint64_t sum = 0;

	while (iters--) {
		for (size_t i = 0; i < t->len; i++)
			sum += *(const uint64_t *)t->flat->slot[i];
		touch(t->flat);
	}
	use((void *)sum);
}

/* As where the loop's body calls something: all memory may have changed. */
static void vec_each_touch(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	size_t i;
	void *obj;

	while (iters--)
		percu_vec_for_each (&t->vec, i, obj)
			touch(obj);
}

static void array_each_touch(void *ctx, uint64_t iters)
{
	const struct table *t = ctx;
	void *const *slot = t->flat->slot;
	size_t len = t->len;

	while (iters--)
		for (size_t i = 0; i < len; i++)
			touch(slot[i]);
}

/* ----------------------------------------------------------------------------- */

static void small_rows(struct table *t)
{
	unsigned int n = (unsigned int)t->len;
	struct contestant c[] = {
		{ .name = "vec 1000: get, random", .fn = vec_random },
		{ .name = "rcu_dereference 1000: get, random",
		  .fn = flat_random },
		{ .name = "vec 1000: get, in order", .fn = vec_in_order },
		{ .name = "rcu_dereference 1000: get, in order",
		  .fn = flat_in_order },
		{ .name = "vec 1000: for each", .fn = vec_each, .units = n },
		{ .name = "array 1000: for each", .fn = array_each, .units = n },
		{ .name = "vec 1000: for each value",
		  .fn = vec_each_value,
		  .units = n },
		{ .name = "array 1000: for each value",
		  .fn = array_each_value,
		  .units = n },
		{ .name = "vec 1000: for each, memory may change",
		  .fn = vec_each_touch,
		  .units = n },
		{ .name = "array 1000: for each, memory may change",
		  .fn = array_each_touch,
		  .units = n },
	};

	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		c[i].ctx = t;
	compare(c, ARRAY_SIZE(c), 0);
	rows_ns(c, ARRAY_SIZE(c));
	row_most("vec 1000: get / rcu_dereference, random", c[0].ns / c[1].ns,
		 "x", GET_BOUND);
	row_most("vec 1000: get / rcu_dereference, in order", c[2].ns / c[3].ns,
		 "x", GET_BOUND);
	row_most("vec 1000: for each / array", c[4].ns / c[5].ns, "x",
		 EACH_BOUND);
	row_most("vec 1000: for each value / array", c[6].ns / c[7].ns, "x",
		 EACH_BOUND);
	row_info("vec 1000: for each, memory may change / array",
		 c[8].ns / c[9].ns, "x");
}

static void large_rows(struct table *t)
{
	unsigned int n = (unsigned int)t->len;
	struct contestant c[] = {
		{ .name = "vec 10^6: get, random", .fn = vec_random },
		{ .name = "array 10^6: get, random", .fn = array_random },
		{ .name = "vec 10^6: get, random, in turn", .fn = vec_in_turn },
		{ .name = "array 10^6: get, random, in turn",
		  .fn = array_in_turn },
		{ .name = "rcu_dereference 10^6: get, random",
		  .fn = flat_random },
		{ .name = "vec 10^6: for each", .fn = vec_each, .units = n },
		{ .name = "array 10^6: for each", .fn = array_each, .units = n },
		{ .name = "vec 10^6: for each value",
		  .fn = vec_each_value,
		  .units = n },
		{ .name = "array 10^6: for each value",
		  .fn = array_each_value,
		  .units = n },
	};

	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		c[i].ctx = t;
	compare(c, ARRAY_SIZE(c), 4 * MSEC);
	rows_ns(c, ARRAY_SIZE(c));
	row_most("vec 10^6: get / array, random", c[0].ns / c[1].ns, "x",
		 LARGE_GET_BOUND);
	row_most("vec 10^6: get / array, random, in turn", c[2].ns / c[3].ns,
		 "x", LARGE_GET_BOUND);
	row_info("vec 10^6: get / rcu_dereference, random", c[0].ns / c[4].ns,
		 "x");
	row_most("vec 10^6: for each / array", c[5].ns / c[6].ns, "x",
		 LARGE_EACH_BOUND);
	row_most("vec 10^6: for each value / array", c[7].ns / c[8].ns, "x",
		 LARGE_EACH_BOUND);
}

void vec_read(struct table *small, struct table *large)
{
	rcu_read_lock();
	small_rows(small);
	large_rows(large);
	rcu_read_unlock();
}
