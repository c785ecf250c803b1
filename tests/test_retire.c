/* SPDX-License-Identifier: MIT */
/*
 * tests/test_retire.c - objects that are put after a grace period
 *
 * Law: from its retirement to the end of the last read section that can have
 * found it, an object is nowhere else: it is not handed out, not destroyed, its
 * memory is as it was.  After that it is put, as any other.  The figures say so
 * exactly at each moment.  Readers are threads that leave when they are told.
 *
 * No flavor's header is included here: this is bp, by the name that percu has
 * for it, and the readers use it by liburcu's.
 */
#include <errno.h>
#include <percu/alloc.h>
#include <stdlib.h>
#include <string.h>

#include "pool/pool.h"
#include "sys/os.h"
#include "sys/tool.h"
#include "tests/check.h"
#include "tests/pools.h"
#include "tests/retire.h"

enum {
	MANY = 500,
	ERRNO_OF_MINE = 77,
};

static uint64_t deferred_bytes(void)
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	return ms.deferred;
}

static void nothing(void)
{
	struct percu_pool *p =
		pool_of(&(struct percu_pool_attr){ .name = "none", .size = 8 });
	struct percu_memstats before, after;

	percu_memstats(&before);
	errno = ERRNO_OF_MINE;
	percu_pool_put_rcu(p, NULL);
	percu_free_rcu(NULL);
	CU_ASSERT_EQUAL(errno, ERRNO_OF_MINE);
	percu_barrier(); /* of nothing */
	percu_pool_barrier(p);
	percu_memstats(&after);
	CU_ASSERT_EQUAL(before.grace_periods, after.grace_periods);
	CU_ASSERT_TRUE(stats_are(p, 0, 0, 0, 0));
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

/* Objects of that pool, held back: exact at each step. */
static void figures_of(const struct percu_pool_attr *attr)
{
	struct percu_pool *p = pool_of(attr);
	uint64_t bytes = deferred_bytes();
	struct holder h = held_back();
	void *objs[MANY];
	struct audit a;

	get_many(p, objs, MANY);
	holder_begin(&h);
	for (size_t i = 0; i < MANY; i++) {
		errno = ERRNO_OF_MINE;
		percu_pool_put_rcu(p, objs[i]);
		CU_ASSERT_EQUAL(errno, ERRNO_OF_MINE);
		if (i % 50 == 0)
			CU_ASSERT_TRUE(stats_are(p, MANY, 0, i + 1, i + 1));
	}
	CU_ASSERT_TRUE(stats_are(p, MANY, 0, MANY, MANY));
	CU_ASSERT_EQUAL(deferred_bytes() - bytes, MANY * attr->size);
	/* In exactly one place, which is no pool's but that of what waits. */
	CU_ASSERT_EQUAL(pool_audit(p, &a), 0);
	CU_ASSERT_EQUAL(a.deferred, MANY);
	CU_ASSERT_EQUAL(a.out, 0);
	holder_end(&h);
	percu_pool_barrier(p);
	CU_ASSERT_TRUE(stats_are(p, MANY, 0, MANY, 0));
	CU_ASSERT_EQUAL(deferred_bytes(), bytes);
	get_many(p, objs, MANY);
	percu_pool_put_bulk(p, objs, MANY);
	CU_ASSERT_TRUE(stats_are(p, 2 * MANY, MANY, MANY, 0));
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	ASSERT_POOLS_HOLD(0);
}

static void figures(void)
{
	static const size_t sizes[] = { 8, 64, 1000, 5000, 40000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		figures_of(&(struct percu_pool_attr){ .name = "figures",
						      .size = sizes[i] });
}

/* Not handed out while it is held, and the same bytes; afterwards it is. */
static void kept_in(const struct percu_pool_attr *attr)
{
	struct percu_pool *p = pool_of(attr);
	struct holder h = held_back();
	void *objs[MANY], *obj;

	get_many(p, objs, MANY / 4);
	obj = got(p);
	fill_bytes(obj, attr->size, 3);
	h.obj = obj;
	h.size = attr->size;
	h.seed = 3;
	holder_begin(&h);
	percu_pool_put_rcu(p, obj);
	percu_pool_put_bulk(p, objs, MANY / 4);
	for (int i = 0; i < 3; i++) {
		get_many(p, objs, MANY);
		CU_ASSERT_FALSE(is_among(objs, MANY, obj));
		for (int k = 0; k < MANY; k++)
			fill_bytes(objs[k], attr->size, 99);
		for (int k = 0; k < MANY; k += 2)
			percu_pool_put_rcu(p, objs[k]);
		for (int k = 1; k < MANY; k += 2)
			percu_pool_put(p, objs[k]);
		percu_pool_age(p);
		percu_pool_shrink(p);
		percu_age();
	}
	CU_ASSERT_TRUE(stats_of(p).deferred >= 1);
	CU_ASSERT_TRUE(holder_end(&h));
	percu_pool_barrier(p);
	CU_ASSERT_EQUAL(stats_of(p).deferred, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

static void kept(void)
{
	kept_in(&(struct percu_pool_attr){ .name = "kept-64", .size = 64 });
	kept_in(&(struct percu_pool_attr){ .name = "kept-5000", .size = 5000 });
	kept_in(&(struct percu_pool_attr){ .name = "kept-40000",
					   .size = 40000 });
	ASSERT_POOLS_HOLD(0);
}

/* A grace period is as long as the reader that it waits for makes it. */
static void timed(void)
{
	const struct percu_pool_attr attr = { .name = "timed", .size = 64 };
	struct percu_pool *p = pool_of(&attr);
	struct percu_memstats before, after;
	struct holder h = held_back();
	uint64_t from, held;

	percu_barrier();
	percu_memstats(&before);
	holder_begin(&h);
	percu_pool_put_rcu(p, percu_pool_get(p));
	while (!round_since())
		sched_yield();
	from = os_clock();
	while (os_clock() - from < 5000000)
		sched_yield();
	held = os_clock() - from;
	CU_ASSERT_TRUE(holder_end(&h));
	percu_pool_barrier(p);
	percu_memstats(&after);
	CU_ASSERT_TRUE(after.grace_periods > before.grace_periods);
	CU_ASSERT_TRUE(after.grace_ns - before.grace_ns >= held);
	CU_ASSERT_TRUE(after.grace_max_ns >= held);
	CU_ASSERT_TRUE(after.grace_max_ns >= before.grace_max_ns);
	CU_ASSERT_TRUE(after.grace_max_ns <= after.grace_ns);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

static void comes_back(void)
{
	struct percu_pool *p = pool_of(
		&(struct percu_pool_attr){ .name = "back", .size = 64 });
	void *obj = got(p);

	for (int i = 0; i < 20; i++) {
		percu_pool_put_rcu(p, obj);
		percu_pool_barrier(p);
		get_back(p, obj);
	}
	percu_pool_put(p, obj);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

/* Blocks of every class, and above. */
static void blocks(void)
{
	struct percu_memstats ms;
	struct holder h = held_back();
	uint64_t bytes = 0;
	void *ptr[PERCU_NR_CLASSES_MAX + 2];
	size_t n = 0, size;

	percu_memstats(&ms);
	for (int c = 0; c < PERCU_NR_CLASSES_MAX && ms.by_size[c].size; c++) {
		/* A tool's redzone is from the next class. */
		ptr[n] = percu_alloc(ms.by_size[c].size);
		CU_ASSERT_PTR_NOT_NULL_FATAL(ptr[n]);
		fill_bytes(ptr[n++], ms.by_size[c].size, (uint32_t)c);
	}
	percu_memstats(&ms);
	holder_begin(&h);
	for (size_t i = 0; i < n; i++) {
		errno = ERRNO_OF_MINE;
		percu_free_rcu(ptr[i]);
		CU_ASSERT_EQUAL(errno, ERRNO_OF_MINE);
	}
	percu_memstats(&ms);
	CU_ASSERT_EQUAL(ms.alloc, 0);
	CU_ASSERT_EQUAL(ms.mallocs, ms.frees);
	for (size_t i = 0; i < n; i++) {
		size = ms.by_size[i].size;
		bytes += size;
		CU_ASSERT_TRUE(tool_redzone() ||
			       bytes_hold(ptr[i], size, (uint32_t)i));
		CU_ASSERT_TRUE(tool_redzone() ||
			       stats_of(&class_pool[i]).deferred == 1);
	}
	CU_ASSERT_TRUE(ms.deferred >= bytes);
	CU_ASSERT_TRUE(tool_redzone() || ms.deferred == bytes);
	holder_end(&h);
	percu_barrier();
	CU_ASSERT_EQUAL(deferred_bytes(), 0);
	ASSERT_POOLS_HOLD(0);
}

static void large_blocks(void)
{
	static const size_t sizes[] = { 40000, 100000, 3 << 20, 70 << 20 };
	struct holder h = held_back();
	struct percu_memstats before, ms;
	uint64_t bytes = 0;
	void *ptr[4], *other[40];

	for (int i = 0; i < 4; i++) {
		ptr[i] = percu_alloc(sizes[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(ptr[i]);
		fill_bytes(ptr[i], 4096, (uint32_t)i);
	}
	percu_memstats(&before);
	holder_begin(&h);
	for (int i = 0; i < 4; i++) {
		bytes += percu_usable_size(ptr[i]);
		percu_free_rcu(ptr[i]);
	}
	percu_memstats(&ms);
	/* They are not out any more, and are not back. */
	CU_ASSERT_EQUAL(ms.large_frees - before.large_frees, 4);
	CU_ASSERT_EQUAL(ms.large_bytes, 0);
	CU_ASSERT_TRUE(ms.deferred >= bytes);
	CU_ASSERT_TRUE(tool_redzone() || ms.deferred == bytes);
	CU_ASSERT_EQUAL(stats_of(&large_pool).deferred, 4);
	for (int i = 0; i < 40; i++) {
		other[i] = percu_alloc(sizes[i % 3]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(other[i]);
		fill_bytes(other[i], 4096, 99);
		CU_ASSERT_FALSE(is_among(ptr, 4, other[i]));
	}
	percu_age();
	percu_age();
	for (int i = 0; i < 4 && !tool_redzone(); i++)
		CU_ASSERT_TRUE(bytes_hold(ptr[i], 4096, (uint32_t)i));
	for (int i = 0; i < 40; i++)
		percu_free(other[i]);
	holder_end(&h);
	percu_barrier();
	percu_memstats(&ms);
	CU_ASSERT_EQUAL(ms.deferred, 0);
	CU_ASSERT_EQUAL(stats_of(&large_pool).deferred, 0);
	ASSERT_POOLS_HOLD(0);
}
static const CU_TestInfo tests[] = {
	{ "NULL is nothing, and errno is left alone", nothing },
	{ "the figures are exact while objects wait", figures },
	{ "what a reader holds is not handed out", kept },
	{ "grace periods are timed", timed },
	{ "what has waited is handed out again", comes_back },
	{ "blocks of each class wait", blocks },
	{ "large blocks wait", large_blocks },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("retire", tests);
}
