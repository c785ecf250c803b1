/* SPDX-License-Identifier: MIT */
/*
 * tests/source.h - pools for the tests of limits and reserves
 *
 * Three kinds: small objects of a slab, large ones, and foreign ones from a
 * source that can dry up.
 */
#ifndef PERCU_TESTS_SOURCE_H
#define PERCU_TESTS_SOURCE_H

#include <stdlib.h>

#include "pool/pool.h"
#include "tests/check.h"

/* Foreign objects that can be had while more is true. */
static struct source {
	bool dry;
	unsigned long created, destroyed;
} source;

static void *source_create(void *arg)
{
	struct source *s = arg;

	if (__atomic_load_n(&s->dry, __ATOMIC_RELAXED))
		return NULL;
	__atomic_fetch_add(&s->created, 1, __ATOMIC_RELAXED);
	return malloc(8);
}

static void source_destroy(void *obj, void *arg)
{
	struct source *s = arg;

	__atomic_fetch_add(&s->destroyed, 1, __ATOMIC_RELAXED);
	free(obj);
}

static const struct percu_pool_attr slab = { .name = "slab", .size = 200 };
static const struct percu_pool_attr large = { .name = "large", .size = 8192 };
static const struct percu_pool_attr foreign = {
	.name = "foreign",
	.create = source_create,
	.destroy = source_destroy,
	.arg = &source,
};

static struct percu_pool *pool(const struct percu_pool_attr *base, size_t limit,
			       size_t reserve)
{
	struct percu_pool_attr attr = *base;
	struct percu_pool *p;

	source = (struct source){ .dry = false };
	attr.limit = limit;
	attr.reserve = reserve;
	p = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

#endif /* PERCU_TESTS_SOURCE_H */
