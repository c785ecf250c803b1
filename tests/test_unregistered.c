/* SPDX-License-Identifier: MIT */
/*
 * tests/test_unregistered.c - a thread that has left rseq
 *
 * It has no CPU to have a record on: it goes to the depot, and counts there.
 */
#include <stdio.h>
#include <stdlib.h>

#include <percu/alloc.h>

#include "sys/cpu.h"
#include "tests/check.h"
#include "tests/pools.h"

static void *any_create(void *arg)
{
	(void)arg;
	return malloc(8);
}

static void any_destroy(void *obj, void *arg)
{
	(void)arg;
	free(obj);
}

/* Law: an unregistered thread goes to the depot, and every count is exact. */
struct outlaw {
	struct percu_pool *pool;
	struct percu_pool_stats before;
	bool left;
	unsigned long wrong;
};

static void outlaw_pool(struct outlaw *o)
{
	void *obj[50], *same;

	for (int i = 0; i < 100; i++) {
		same = percu_pool_get(o->pool);
		o->wrong += !same;
		percu_pool_put(o->pool, same);
	}
	for (int i = 0; i < 20; i++) {
		o->wrong += percu_pool_get_bulk(o->pool, obj, 50) != 50;
		percu_pool_put_bulk(o->pool, obj, 50);
	}
	same = percu_pool_get(o->pool);
	o->wrong += stats_of(o->pool).outstanding != 1;
	percu_pool_age(o->pool);
	percu_pool_put(o->pool, same);
}

static void outlaw_alloc(struct outlaw *o)
{
	unsigned char *b[64];

	for (uint32_t i = 0; i < 64; i++) {
		b[i] = percu_alloc(i * 40);
		fill_bytes(b[i], i * 40, i);
	}
	for (uint32_t i = 0; i < 64; i++) {
		o->wrong += !bytes_hold(b[i], i * 40, i);
		percu_free(b[i]);
	}
}

static void outlaw_thread(unsigned int i, void *arg)
{
	struct outlaw *o = arg;

	(void)i;
	o->left = rseq_leave();
	if (!o->left)
		return;
	o->wrong += cpu_index() != UINT32_MAX;
	outlaw_pool(o);
	outlaw_alloc(o);
}

static void unregistered(void)
{
	const struct percu_pool_attr attr[] = {
		{ .name = "slab", .size = 40 },
		{ .name = "foreign",
		  .create = any_create,
		  .destroy = any_destroy },
	};

	for (int i = 0; i < 2; i++) {
		struct outlaw o = { .pool = percu_pool_create(&attr[i]) };
		struct percu_pool_stats st;
		void *obj[200];

		/* Its objects come from a registered thread, in part. */
		CU_ASSERT_EQUAL(percu_pool_get_bulk(o.pool, obj, 200), 200);
		percu_pool_put_bulk(o.pool, obj, 200);
		o.before = stats_of(o.pool);
		check_threads(1, outlaw_thread, &o);
		st = stats_of(o.pool);
		if (!o.left)
			check_skip("no rseq");
		else
			CU_ASSERT_EQUAL(st.gets - o.before.gets, 1101);
		CU_ASSERT_EQUAL(st.gets, st.puts);
		CU_ASSERT_EQUAL(o.wrong, 0);
		/* Each of its gets missed: there is no CPU for it to hit on. */
		if (o.left)
			CU_ASSERT_EQUAL(st.misses - o.before.misses, 1101);
		ASSERT_POOLS_HOLD(0);
		CU_ASSERT_EQUAL(percu_pool_destroy(o.pool), 0);
	}
}

static const CU_TestInfo tests[] = { { "an unregistered thread uses the depot",
				       unregistered },
				     CU_TEST_INFO_NULL };

int main(void)
{
	return check_main("unregistered", tests);
}
