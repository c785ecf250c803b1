/* SPDX-License-Identifier: MIT */
/*
 * bench/vec.c - vectors: the cases, and what they share
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cases.h"
#include "bench/vec.h"

void die_of(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "percu-bench: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void *need(size_t bytes)
{
	void *p = malloc(bytes);

	if (!p) {
		perror("percu-bench");
		exit(1);
	}
	return p;
}

/* xorshift64*, by Vigna */
uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1d;
}

void vec_make(struct percu_vec *v, void *const *objs, size_t n)
{
	die_of(percu_vec_init(v, NULL), "percu_vec_init");
	die_of(percu_vec_append_bulk(v, objs, n), "percu_vec_append_bulk");
}

/* Twice as many as there are slots, up to a limit: the cycle is long. */
static void make_order(struct table *t)
{
	uint64_t seed = 1;

	for (t->order_len = 1; t->order_len < t->len;)
		t->order_len *= 2;
	if (t->order_len > ORDER_MAX)
		t->order_len = ORDER_MAX;
	t->order = need(t->order_len * sizeof(*t->order));
	for (size_t i = 0; i < t->order_len; i++)
		t->order[i] = (uint32_t)random_below(&seed, t->len);
}

/*
 * Neighbours in the table are near each other in memory, but not in the same
 * order: else it is luck how often two loads want one bank of the cache.
 */
static void shuffle(void **slot, size_t len)
{
	enum {
		NEAR = 200
	};
	uint64_t seed = 1;

	for (size_t i = 0; i < len; i++) {
		size_t from = i - i % NEAR;
		size_t k = from + random_below(&seed, i - from + 1);
		void *p = slot[i];

		slot[i] = slot[k];
		slot[k] = p;
	}
}

struct table *table_make(size_t len)
{
	struct table *t = need(sizeof(*t));

	t->len = len;
	t->flat = need(sizeof(*t->flat) + len * sizeof(t->flat->slot[0]));
	t->value = need(len * sizeof(*t->value));
	t->flat->len = len;
	for (size_t i = 0; i < len; i++) {
		t->value[i] = i;
		t->flat->slot[i] = &t->value[i];
	}
	shuffle(t->flat->slot, len);
	vec_make(&t->vec, t->flat->slot, len);
	make_order(t);
	return t;
}

void table_free(struct table *t)
{
	percu_vec_destroy(&t->vec);
	free(t->order);
	free(t->value);
	free(t->flat);
	free(t);
}

/* Starts the reclaimer, too, while it may still run anywhere: see retire.c. */
static void start_reclaimer(void)
{
	struct percu_vec v;
	void *obj = &v;

	vec_make(&v, &obj, 1);
	die_of(percu_vec_remove(&v, 0), "percu_vec_remove");
	percu_vec_destroy(&v);
}

/* A part with the tables that it works on; 0: none. */
static bool part(void (*fn)(struct table *t), size_t len)
{
	struct table *t = len ? table_make(len) : NULL;

	rcu_register_thread();
	start_reclaimer();
	pin_last();
	fn(t);
	rcu_unregister_thread();
	if (t)
		table_free(t);
	return true;
}

bool case_vec_get(void)
{
	return part(bench_vec_get, SMALL) && part(bench_vec_get, LARGE);
}

bool case_vec_scan(void)
{
	return part(bench_vec_scan, SMALL) && part(bench_vec_scan, LARGE);
}

bool case_vec_lock(void)
{
	return part(bench_vec_lock, SMALL);
}

bool case_vec_writer(void)
{
	if (cpus() > 1)
		return part(bench_vec_writer, SMALL) &&
		       part(bench_vec_writer, LARGE);
	row_skip("vec-writer", "vec-writer", "one CPU");
	return true;
}

bool case_vec_flat(void)
{
	return part(bench_vec_flat, 0);
}

bool case_vec_edit(void)
{
	return part(bench_vec_edit, 0);
}

bool case_vec_ways(void)
{
	return part(bench_vec_ways, 0);
}

bool case_vec_batch(void)
{
	return part(bench_vec_batch, 0);
}
