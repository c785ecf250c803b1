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

#include "bench/kit.h"
#include "bench/vec.h"

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

static void rows(struct table *t, struct contest *ct)
{
	ct->x = (double)t->len;
	ct->axis = "slots";
	rcu_read_lock();
	contest(ct);
	rcu_read_unlock();
}

void bench_vec_get(struct table *t)
{
	struct contestant c[] = {
		{ .name = "get, random", .fn = vec_random },
		{ .name = "rcu_dereference, random", .fn = flat_random },
		{ .name = "array, random", .fn = array_random },
		{ .name = "get, in order", .fn = vec_in_order },
		{ .name = "rcu_dereference, in order", .fn = flat_in_order },
		{ .name = "get, random, in turn", .fn = vec_in_turn },
		{ .name = "array, random, in turn", .fn = array_in_turn },
	};
	static const struct pairing pairs[] = {
		{ 0, 1, "get / rcu_dereference, random" },
		{ 0, 2, "get / array, random" },
		{ 3, 4, "get / rcu_dereference, in order" },
		{ 5, 6, "get / array, random, in turn" },
	};
	struct contest ct = { .name = "vec-get",
			      .what = "one element of a vector",
			      .c = c,
			      .n = ARRAY_SIZE(c),
			      .pairs = pairs,
			      .nr_pairs = ARRAY_SIZE(pairs) };

	for (size_t i = 0; i < ct.n; i++)
		c[i].ctx = t;
	rows(t, &ct);
}

void bench_vec_scan(struct table *t)
{
	unsigned int n = (unsigned int)t->len;
	struct contestant c[] = {
		{ .name = "for each", .role = OURS, .fn = vec_each },
		{ .name = "array", .fn = array_each },
		{ .name = "for each value", .fn = vec_each_value },
		{ .name = "array, value", .fn = array_each_value },
		{ .name = "for each, memory may change", .fn = vec_each_touch },
		{ .name = "array, memory may change", .fn = array_each_touch },
		{ .name = "ck_array", .role = PEER, .fn = kit_array_each },
	};
	static const struct pairing pairs[] = {
		{ 0, 1, "for each / array" },
		{ 2, 3, "for each value / array" },
		{ 4, 5, "for each, memory may change / array" },
	};
	struct kit_array *kit = NULL;
	struct contest ct = { .name = "vec-scan",
			      .what = "all elements of a vector, for one",
			      .c = c,
			      .n = ARRAY_SIZE(c),
			      .pairs = pairs,
			      .nr_pairs = ARRAY_SIZE(pairs),
			      .turn_ns = 4 * MSEC };

	for (size_t i = 0; i < ct.n; i++) {
		c[i].units = n;
		c[i].ctx = t;
	}
	if (kit_there()) {
		kit = c[6].ctx = kit_array_make(t->flat->slot, t->len);
	} else {
		ct.n--;
		row_skip("vec-scan", "ck_array",
			 "built without Concurrency Kit's headers");
	}
	rows(t, &ct);
	if (kit)
		kit_array_free(kit);
}
