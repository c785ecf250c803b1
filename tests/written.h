/* SPDX-License-Identifier: MIT */
/*
 * tests/written.h - what percu_stats_write() says, to be held against the figures
 *
 *	begin() and end()	pools of all kinds, some with objects out
 *	written()		all that is written in a format
 *	whole[], one[]		the names of the figures, and where they are
 */
#ifndef PERCU_TESTS_WRITTEN_H
#define PERCU_TESTS_WRITTEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <percu/alloc.h>
#include <percu/buf.h>
#include <percu/stats.h>

#include "pool/pool.h"
#include "tests/check.h"
#include "tests/pools.h"

/* A pool whose name needs escapes, one without an object, some at work. */
#define ODD_NAME "odd\"name\\of{a=pool}"

enum {
	NR_POOLS = 4
};

static struct percu_pool *pool[NR_POOLS];
static void *held[3];
static struct percu_slice slice[3];

static inline void *create_any(void *arg)
{
	(void)arg;
	return malloc(4);
}

static inline void destroy_any(void *obj, void *arg)
{
	(void)arg;
	free(obj);
}

/* Three slices, two blocks, one copy for the ratio. */
static inline void retain(void)
{
	struct percu_buf *b = percu_buf_get(64 << 10);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	b->len = b->cap;
	memset(b->data, 'x', b->len);
	slice[0] = percu_slice_of(b, 0, b->len);
	slice[1] = percu_slice_sub(slice[0], 0, 5000);
	slice[2] = percu_slice_sub(slice[0], 0, 20);
	percu_buf_put(b);
}

static inline void begin(void)
{
	const struct percu_pool_attr attr[NR_POOLS] = {
		{ .name = ODD_NAME, .size = 5000 },
		{ .name = "never-used", .size = 10 },
		{ .name = "foreign",
		  .create = create_any,
		  .destroy = destroy_any },
		{ .name = "limited", .size = 24, .limit = 1 },
	};
	void *obj[40];

	for (int i = 0; i < NR_POOLS; i++) {
		pool[i] = percu_pool_create(&attr[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(pool[i]);
	}
	CU_ASSERT_EQUAL(percu_pool_get_bulk(pool[0], obj, 40), 40);
	percu_pool_put_bulk(pool[0], obj, 40);
	held[0] = percu_pool_get(pool[0]);
	held[1] = percu_pool_get(pool[2]);
	held[2] = percu_pool_get(pool[3]);
	CU_ASSERT_PTR_NULL(percu_pool_get(pool[3]));
	retain();
	percu_free(percu_alloc(100));
	percu_free(percu_alloc(100000));
}

static inline void end(void)
{
	for (int i = 0; i < 3; i++)
		percu_slice_put(slice[i]);
	percu_pool_put(pool[0], held[0]);
	percu_pool_put(pool[2], held[1]);
	percu_pool_put(pool[3], held[2]);
	for (int i = 0; i < NR_POOLS; i++)
		CU_ASSERT_EQUAL(percu_pool_destroy(pool[i]), 0);
	ASSERT_POOLS_HOLD(0);
}

/* What is written, as a string that the caller frees. */
static inline char *written(enum percu_stats_format fmt)
{
	int fd = memfd_create("stats", 0);
	off_t len;
	char *s;

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(percu_stats_write(fd, fmt), 0);
	len = lseek(fd, 0, SEEK_END);
	s = calloc(1, (size_t)len + 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL(pread(fd, s, (size_t)len, 0), len);
	CU_ASSERT_EQUAL(strlen(s), (size_t)len);
	close(fd);
	return s;
}

/* The figures, by name. ------------------------------------------------------- */

struct figure {
	const char *name;
	size_t offset;
	bool total;
};

/* What is of no one pool. */
struct wholly {
	struct percu_memstats ms;
	struct percu_slice_stats slices;
};

static inline struct wholly wholly(void)
{
	struct wholly w;

	percu_memstats(&w.ms);
	percu_slice_stats(&w.slices);
	return w;
}

#define W(field, total)                                          \
	{                                                        \
#field, offsetof(struct wholly, ms.field), total \
	}
#define S(name, field, total)                                       \
	{                                                           \
#name, offsetof(struct wholly, slices.field), total \
	}
#define P(field, total)                                                 \
	{                                                               \
#field, offsetof(struct percu_pool_stats, field), total \
	}

static const struct figure whole[] = {
	W(alloc, false),
	W(mallocs, true),
	W(frees, true),
	W(sys, false),
	W(heap_sys, false),
	W(heap_inuse, false),
	W(heap_idle, false),
	W(heap_released, false),
	W(heap_objects, false),
	W(meta_sys, false),
	W(cached, false),
	W(deferred, false),
	W(defer_soft, false),
	W(defer_hard, false),
	W(grace_periods, true),
	W(grace_ns, true),
	W(grace_max_ns, false),
	W(large_bytes, false),
	W(large_mallocs, true),
	W(large_frees, true),
	W(ages, true),
	S(slices, slices, false),
	S(slice_blocks, blocks, false),
	S(slice_shown, shown, false),
	S(slice_held, held, false),
	S(slice_clones, clones, true),
};

static const struct figure one[] = {
	P(size, false),     P(gets, true),         P(puts, true),
	P(puts_rcu, true),  P(misses, true),       P(created, true),
	P(destroyed, true), P(outstanding, false), P(cached, false),
	P(deferred, false), P(limit_hits, true),   P(failures, true),
};

enum {
	NR_WHOLE = sizeof(whole) / sizeof(*whole),
	NR_ONE = sizeof(one) / sizeof(*one),
};

static inline uint64_t figure_of(const struct figure *f, const void *of)
{
	return *(const uint64_t *)((const char *)of + f->offset);
}

/* The pool of that name that has objects. */
static inline struct percu_pool *pool_named(const char *name)
{
	list_for_each (l, &pools.list) {
		struct percu_pool *p = list_entry(l, struct percu_pool, pools);

		if (!strcmp(p->name, name) && stats_of(p).created)
			return p;
	}
	return NULL;
}

/* Pools that must be listed. */
static inline unsigned int pools_used(bool slab_only)
{
	unsigned int n = 0;

	list_for_each (l, &pools.list) {
		struct percu_pool *p = list_entry(l, struct percu_pool, pools);

		n += stats_of(p).created && !(slab_only && p->foreign);
	}
	return n;
}

static inline const struct figure *figure_named(const struct figure *f,
						size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(f[i].name, name))
			return &f[i];
	return NULL;
}

#endif /* PERCU_TESTS_WRITTEN_H */
