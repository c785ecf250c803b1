/* SPDX-License-Identifier: MIT */
/*
 * tests/test_pool.c - what percu/pool.h says of making and ending pools
 *
 * Attributes, names, sizes and alignment.  What callbacks see of an object is
 * in test_object.c, limits and reserves in test_reserve.c, what sync.Pool
 * promises in test_share.c, ageing in test_ageing.c, figures in test_stats.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/pool.h>

#include "tests/check.h"
#include "tests/pools.h"

/* Attributes. ------------------------------------------------------------- */

static int ctor_none(void *obj, void *arg)
{
	(void)obj, (void)arg;
	return 0;
}

static void dtor_none(void *obj, void *arg)
{
	(void)obj, (void)arg;
}

static void *create_malloc(void *arg)
{
	(void)arg;
	return malloc(48);
}

static void destroy_malloc(void *obj, void *arg)
{
	(void)arg;
	free(obj);
}

#define SLAB(...)                       \
	{                               \
		.size = 64, __VA_ARGS__ \
	}
#define FOREIGN(...)                                                \
	{                                                           \
		.create = create_malloc, .destroy = destroy_malloc, \
		__VA_ARGS__                                         \
	}

/* Law: contradictions and what is out of range are EINVAL. */
static void attr_refused(void)
{
	static const struct percu_pool_attr bad[] = {
		{ .name = "nothing" },
		{ .name = "no create", .destroy = destroy_malloc },
		{ .name = "too large", .size = (256 << 10) + 1 },
		{ .name = "far too large", .size = SIZE_MAX },
		SLAB(.align = 3),
		SLAB(.align = 24),
		SLAB(.align = 8192),
		SLAB(.align = SIZE_MAX / 2 + 1),
		SLAB(.create = create_malloc),
		SLAB(.destroy = destroy_malloc),
		SLAB(.create = create_malloc, .destroy = destroy_malloc),
		SLAB(.ctor = ctor_none, .flags = PERCU_POOL_ZERO),
		SLAB(.flags = 1u << 2),
		SLAB(.flags = 1u << 31),
		SLAB(.limit = 3, .reserve = 4),
		FOREIGN(.ctor = ctor_none),
		FOREIGN(.dtor = dtor_none),
		FOREIGN(.align = 8),
		FOREIGN(.flags = PERCU_POOL_ZERO),
		FOREIGN(.flags = PERCU_POOL_TYPESAFE),
		FOREIGN(.flags = 1u << 7),
		FOREIGN(.limit = 1, .reserve = 2),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		errno = 0;
		CU_ASSERT_PTR_NULL(percu_pool_create(&bad[i]));
		CU_ASSERT_EQUAL(errno, EINVAL);
	}
	ASSERT_POOLS_HOLD(0);
}

/* Law: the extremes of each attribute, and their combinations, are taken. */
static void attr_taken(void)
{
	static const struct percu_pool_attr good[] = {
		{ .size = 1 },
		{ .size = 256 << 10 },
		{ .size = (256 << 10) - 1, .align = 4096 },
		{ .size = 1, .align = 4096 },
		SLAB(.align = 1),
		SLAB(.ctor = ctor_none, .dtor = dtor_none, .reset = dtor_none),
		SLAB(.dtor = dtor_none),
		SLAB(.flags = PERCU_POOL_ZERO, .dtor = dtor_none,
		     .reset = dtor_none),
		SLAB(.flags = PERCU_POOL_TYPESAFE, .ctor = ctor_none),
		SLAB(.flags = PERCU_POOL_TYPESAFE | PERCU_POOL_ZERO),
		SLAB(.limit = 5, .reserve = 5),
		SLAB(.limit = SIZE_MAX),
		FOREIGN(.reset = dtor_none),
		FOREIGN(.limit = 2, .reserve = 2),
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct percu_pool *p = percu_pool_create(&good[i]);
		void *obj;

		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		obj = percu_pool_get(p);
		CU_ASSERT_PTR_NOT_NULL(obj);
		percu_pool_put(p, obj);
		CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	}
	ASSERT_POOLS_HOLD(0);
}

/* Law: a foreign pool needs no destroy, a slab pool no name. */
static void attr_least(void)
{
	struct percu_pool_attr attr = { .create = NULL };
	struct percu_pool *p;

	attr.create = create_malloc;
	p = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);

	attr = (struct percu_pool_attr){ .size = 8 };
	p = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_STRING_NOT_EQUAL(stats_of(p).name, "");
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

/* Law: the name is copied, and cut to 31 bytes. */
static void names(void)
{
	static const char *const given[] = {
		"x",
		"thirty-one-bytes-are-not-cut-xx",
		"thirty-two-bytes-are-cut-by-one-",
		"quote\"back\\slash",
		"a-very-long-name-that-goes-on-and-on-and-on-and-on-and-on",
	};
	char buf[64], want[32];

	for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++) {
		struct percu_pool_attr attr = { .name = buf, .size = 16 };
		struct percu_pool *p;

		strcpy(buf, given[i]);
		p = percu_pool_create(&attr);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		memset(buf, '?', sizeof(buf));
		snprintf(want, sizeof(want), "%s", given[i]);
		CU_ASSERT_STRING_EQUAL(stats_of(p).name, want);
		CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	}
}

/* Sizes and alignment. ---------------------------------------------------- */

static size_t natural(size_t size)
{
	size_t align = size & -size;

	return align > 16 ? 16 : align;
}

/* Objects of this size keep every byte, apart from each other. */
static bool size_works(size_t size, size_t align)
{
	struct percu_pool_attr attr = { .size = size, .align = align };
	struct percu_pool *p = percu_pool_create(&attr);
	void *obj[12];
	bool ok = p != NULL;

	for (uint32_t i = 0; ok && i < 12; i++) {
		obj[i] = percu_pool_get(p);
		ok = obj[i] &&
		     (uintptr_t)obj[i] % (align ? align : natural(size)) == 0;
		if (ok)
			fill_bytes(obj[i], size, i);
	}
	for (uint32_t i = 0; ok && i < 12; i++)
		ok = bytes_hold(obj[i], size, i);
	for (uint32_t i = 0; ok && i < 12; i++)
		percu_pool_put(p, obj[i]);
	ok = ok && stats_of(p).size == size && !percu_pool_destroy(p);
	if (!ok)
		printf("\n    size %zu, align %zu\n", size, align);
	return ok;
}

static void sizes(void)
{
	struct check_rand r = { check_seed() };
	int n = check_short() ? 60 : 600;
	size_t size;

	for (size = 1; size <= 70; size++)
		CU_ASSERT(size_works(size, 0));
	for (size = 128; size <= 256 << 10; size *= 2) {
		CU_ASSERT(size_works(size - 1, 0));
		CU_ASSERT(size_works(size, 0));
		if (size < 256 << 10)
			CU_ASSERT(size_works(size + 1, 0));
	}
	for (int i = 0; i < n; i++) {
		size = 1 + check_rand_below(&r, i % 4 ? 4096 : 256 << 10);
		CU_ASSERT(
			size_works(size, (size_t)check_rand_below(&r, 2)
						 << check_rand_below(&r, 13)));
	}
	ASSERT_POOLS_HOLD(0);
}

static void alignments(void)
{
	for (size_t align = 1; align <= 4096; align *= 2) {
		CU_ASSERT(size_works(1, align));
		CU_ASSERT(size_works(100, align));
		CU_ASSERT(size_works(4097, align));
	}
	ASSERT_POOLS_HOLD(0);
}

/* Law: making and ending pools, many times over, costs no memory. */
static void pools_recycled(void)
{
	static const struct percu_pool_attr slab = SLAB(.dtor = dtor_none);
	static const struct percu_pool_attr foreign = FOREIGN(.reserve = 1);
	int n = check_short() ? 400 : 3000;
	struct percu_memstats before, after;
	struct percu_pool *p[8];

	for (int i = 0; i < n; i++) {
		if (i == n / 2)
			percu_memstats(&before);
		for (int k = 0; k < 8; k++) {
			p[k] = percu_pool_create(k % 2 ? &foreign : &slab);
			CU_ASSERT_PTR_NOT_NULL_FATAL(p[k]);
			percu_pool_put(p[k], percu_pool_get(p[k]));
		}
		for (int k = 0; k < 8; k++)
			CU_ASSERT_EQUAL(percu_pool_destroy(p[k]), 0);
	}
	percu_memstats(&after);
	CU_ASSERT_EQUAL(after.meta_sys, before.meta_sys);
	CU_ASSERT_EQUAL(after.heap_sys, before.heap_sys);
	ASSERT_POOLS_HOLD(0);
}

static const CU_TestInfo tests[] = {
	{ "attributes that contradict each other are EINVAL", attr_refused },
	{ "attributes at their limits are taken", attr_taken },
	{ "few attributes are needed", attr_least },
	{ "a name is copied and cut", names },
	{ "objects have their size", sizes },
	{ "objects have their alignment", alignments },
	{ "pools that come and go cost no memory", pools_recycled },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("pool", tests);
}
