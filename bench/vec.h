/* SPDX-License-Identifier: MIT */
/*
 * bench/vec.h - vectors, and what they are compared with
 *
 * table	a vector and a hand-written array that hold the same pointers
 * order	indices in the order in which they are read, computed before
 * edit		one insertion or one removal
 */
#ifndef BENCH_VEC_H
#define BENCH_VEC_H

/* liburcu's read side inline: a call of it costs more than all the rest. */
#define _LGPL_SOURCE
#include <urcu.h>

#include <percu/vec.h>

#include "bench/bench.h"

enum {
	SMALL = 1000,
	LARGE = 1000000,
	ORDER_MAX = 1 << 20,
};

/* What one writes by hand: it is replaced as a whole. */
struct flat {
	size_t len;
	void *slot[];
};

struct table {
	size_t len;
	struct percu_vec vec;
	struct flat *flat;
	uint64_t *value;  /* len of them: what the pointers point to */
	uint32_t *order;  /* random */
	size_t order_len; /* a power of two */
};

/* vec.c */
struct table *table_make(size_t len);
void table_free(struct table *t);
void vec_make(struct percu_vec *v, void *const *objs, size_t n);
uint64_t random_next(uint64_t *state);
void die_of(int err, const char *what); /* unless err is 0 */

static inline size_t random_below(uint64_t *state, size_t n)
{
	return (size_t)(((random_next(state) >> 32) * n) >> 32);
}

static inline void *flat_get(struct flat *const *root, size_t i)
{
	const struct flat *f = rcu_dereference(*root);

	if (__builtin_expect(i < f->len, 1))
		return f->slot[i];
	return NULL;
}

/* One looks at what one has got. */
static inline void look(const void *obj)
{
	if (obj)
		(void)*(const volatile uint64_t *)obj;
}

/* vec_read.c, vec_lock.c, vec_writer.c, vec_edit.c, vec_ways.c, vec_batch.c: cases */
void bench_vec_get(struct table *t);
void bench_vec_scan(struct table *t);
void bench_vec_lock(struct table *t);
void bench_vec_writer(struct table *t);
void bench_vec_flat(struct table *none);
void bench_vec_edit(struct table *none);
void bench_vec_ways(struct table *none);
void bench_vec_batch(struct table *none);

/*
 * vec_edit.c: a contestant of edits.  timed by the clock, for a writer may
 * have to wait; what it retired is put before the next one's turn.
 */
struct edits {
	struct percu_vec vec;
	size_t len;
	uint64_t seed;
	unsigned int batch; /* edits a batch; 0: each by itself */
	size_t near;        /* all of an iteration's within so many slots */
	void (*fn)(void *edits, uint64_t iters);
	const struct percu_vec_attr *attr; /* or NULL */
};

extern void *const edits_object; /* which is inserted everywhere */

void edits_open(struct edits *e, size_t len);
/* Where to edit: anywhere, or near base, which is one for an iteration. */
size_t edits_place(struct edits *e, size_t base);
/* KiB of an edit: of blocks that it has taken, and filled, and put back. */
struct edits_moved {
	double taken, retired;
};
/* By so many iterations of so many edits each. */
struct edits_moved edits_moved(struct edits *e, unsigned int edits,
			       unsigned int iters);
/* A copy of edits_block by hand, which is freed after its readers. */
extern void *edits_block;
void edits_copy(void *edits, uint64_t iters);
uint64_t edits_timed(void *edits, uint64_t iters);
void edits_single(void *edits, uint64_t iters); /* a removal, an insertion */

#endif /* BENCH_VEC_H */
