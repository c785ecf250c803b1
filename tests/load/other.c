/* SPDX-License-Identifier: MIT */
/*
 * tests/load/other.c - a library that uses percu, and does not say so
 *
 * It is not linked with percu, so the loader may run its constructor before
 * percu's.
 */
#include <percu/alloc.h>
#include <percu/pool.h>
#include <string.h>

int other_stage(void);

static char *block;
static int stages;

__attribute__((constructor(101))) static void constructor(void)
{
	const struct percu_pool_attr attr = { .name = "other", .size = 100 };
	struct percu_pool *pool = percu_pool_create(&attr);
	void *obj = pool ? percu_pool_get(pool) : NULL;

	block = percu_alloc(20);
	if (!obj || !block)
		return;
	strcpy(block, "other");
	percu_pool_put(pool, obj);
	stages = !percu_pool_destroy(pool);
}

int other_stage(void)
{
	stages += block && !strcmp(block, "other");
	percu_free(block);
	block = NULL;
	return stages == 2;
}
