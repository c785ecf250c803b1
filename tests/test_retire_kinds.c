/* SPDX-License-Identifier: MIT */
/*
 * tests/test_retire_kinds.c - objects of every kind of pool, put after a grace
 * period
 *
 * Law: what a pool promises of its objects (who destroys them, their state,
 * zeroes, a limit, a reserve) it keeps for those that have waited for readers,
 * and it does nothing to them before.
 */
#include <errno.h>
#include <percu/alloc.h>
#include <stdlib.h>
#include <string.h>

#include "sys/os.h"
#include "sys/tool.h"
#include "tests/check.h"
#include "tests/pools.h"
#include "tests/retire.h"

enum {
	MANY = 500,
	EVERY_CALL = (1 << OS_NR_CALLS) - 1,
};

static _Atomic unsigned long created, destroyed, ctors, dtors, resets;

static void *create(void *arg)
{
	(void)arg;
	created++;
	return malloc(64);
}

static void destroy(void *obj, void *arg)
{
	(void)arg;
	destroyed++;
	free(obj);
}

static void foreign(void)
{
	struct percu_pool *p = pool_of(&(struct percu_pool_attr){
		.name = "foreign", .create = create, .destroy = destroy });
	struct holder h = held_back();
	void *objs[MANY];

	created = destroyed = 0;
	get_many(p, objs, MANY);
	fill_bytes(objs[0], 64, 7);
	h.obj = objs[0];
	h.size = 64;
	h.seed = 7;
	holder_begin(&h);
	for (int i = 0; i < MANY; i++)
		percu_pool_put_rcu(p, objs[i]);
	percu_pool_shrink(p);
	percu_age();
	percu_age();
	CU_ASSERT_EQUAL(destroyed, 0);
	CU_ASSERT_TRUE(stats_are(p, MANY, 0, MANY, MANY));
	CU_ASSERT_TRUE(holder_end(&h));
	percu_pool_barrier(p);
	CU_ASSERT_TRUE(stats_are(p, MANY, 0, MANY, 0));
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	CU_ASSERT_EQUAL(created, MANY);
	CU_ASSERT_EQUAL(destroyed, MANY);
}

static int ctor(void *obj, void *arg)
{
	(void)arg;
	ctors++;
	*(long *)obj = 1;
	return 0;
}

static void dtor(void *obj, void *arg)
{
	(void)arg;
	dtors++;
	*(long *)obj = 0;
}

static void reset(void *obj, void *arg)
{
	(void)arg;
	resets++;
	++*(long *)obj;
}

static void constructed(void)
{
	struct percu_pool *p = pool_of(&(struct percu_pool_attr){
		.name = "built", .size = 200, .ctor = ctor, .dtor = dtor });
	void *objs[MANY];

	ctors = dtors = 0;
	for (int i = 0; i < 3; i++) {
		get_many(p, objs, MANY);
		for (int k = 0; k < MANY; k++) {
			CU_ASSERT_TRUE(*(long *)objs[k] >= 1);
			*(long *)objs[k] = 5;
			percu_pool_put_rcu(p, objs[k]);
		}
		percu_pool_barrier(p);
	}
	/* Built once each, whatever is handed out: those of before, as they were. */
	CU_ASSERT_EQUAL(stats_of(p).created, ctors);
	get_many(p, objs, MANY);
	for (int k = 0; k < MANY; k++)
		CU_ASSERT_TRUE(*(long *)objs[k] == 5 || *(long *)objs[k] == 1);
	percu_pool_put_bulk(p, objs, MANY);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	CU_ASSERT_EQUAL(ctors, dtors);
}

static void reset_later(void)
{
	struct percu_pool *p = pool_of(&(struct percu_pool_attr){
		.name = "reset", .size = 64, .reset = reset });
	struct holder h = held_back();
	long *obj = got(p);

	resets = 0;
	*obj = 10;
	holder_begin(&h);
	percu_pool_put_rcu(p, obj);
	CU_ASSERT_EQUAL(resets, 0);
	holder_end(&h);
	percu_pool_barrier(p);
	CU_ASSERT_EQUAL(resets, 0);
	get_back(p, obj);
	CU_ASSERT_EQUAL(resets, 1);
	CU_ASSERT_EQUAL(*obj, 11);
	percu_pool_put(p, obj);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

static void zeroed(void)
{
	struct percu_pool *p = pool_of(&(struct percu_pool_attr){
		.name = "zero", .size = 100, .flags = PERCU_POOL_ZERO });
	struct holder h = held_back();
	void *obj = got(p);

	fill_bytes(obj, 100, 1);
	h.obj = obj;
	h.size = 100;
	h.seed = 1;
	holder_begin(&h);
	percu_pool_put_rcu(p, obj);
	CU_ASSERT_TRUE(holder_end(&h));
	percu_pool_barrier(p);
	get_back(p, obj);
	CU_ASSERT_TRUE(bytes_zero(obj, 100));
	percu_pool_put(p, obj);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

/* Limit and reserve. ---------------------------------------------------------------- */

/* What waits is not out: it does not count against the limit. */
static void limited(void)
{
	struct percu_pool *p = pool_of(&(struct percu_pool_attr){
		.name = "limited", .size = 64, .limit = 2 });
	struct holder h = held_back();
	void *a, *b;

	holder_begin(&h);
	for (int i = 0; i < 100; i++) {
		a = got(p);
		b = got(p);
		CU_ASSERT_PTR_NULL(percu_pool_get(p));
		CU_ASSERT_EQUAL(errno, ENOMEM);
		percu_pool_put_rcu(p, a);
		percu_pool_put_rcu(p, b);
	}
	CU_ASSERT_TRUE(stats_are(p, 200, 0, 200, 200));
	CU_ASSERT_EQUAL(stats_of(p).limit_hits, 100);
	holder_end(&h);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

static void *create_three(void *arg)
{
	errno = ENOMEM;
	return (*(int *)arg)-- > 0 ? malloc(64) : NULL;
}

static void get_one(void *arg)
{
	void **obj = arg;

	obj[1] = percu_pool_get(obj[0]);
}

/* Fewer than the reserve are out, the rest waits: a get waits for it. */
static void reserved_foreign(void)
{
	int can = 3;
	struct percu_pool *p =
		pool_of(&(struct percu_pool_attr){ .name = "reserved",
						   .create = create_three,
						   .destroy = destroy,
						   .arg = &can,
						   .reserve = 3 });
	void *objs[3], *other[2] = { p, NULL };
	struct holder h = held_back();
	struct call c;

	for (int round = 0; round < 20; round++) {
		get_many(p, objs, 3);
		CU_ASSERT_PTR_NULL(percu_pool_get(p));
		CU_ASSERT_EQUAL(errno, ENOMEM);
		for (int i = 0; i < 3; i++)
			percu_pool_put_rcu(p, objs[i]);
	}
	get_many(p, objs, 3);
	holder_begin(&h);
	percu_pool_put_rcu(p, objs[0]);
	call_begin(&c, get_one, other);
	CU_ASSERT_TRUE(call_waits(&c));
	/* A reader may not wait; it is told at once. */
	urcu_bp_flavor.read_lock();
	CU_ASSERT_PTR_NULL(percu_pool_get(p));
	CU_ASSERT_EQUAL(errno, ENOMEM);
	reader_leaves(&urcu_bp_flavor);
	urcu_bp_flavor.read_unlock();
	CU_ASSERT_FALSE(c.returned);
	holder_end(&h);
	call_end(&c);
	CU_ASSERT_PTR_EQUAL(other[1], objs[0]);
	percu_pool_put_bulk(p, objs, 3);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

static void reserved_slab(void)
{
	struct percu_pool *p = pool_of(&(struct percu_pool_attr){
		.name = "reserved-slab", .size = 4000, .reserve = 100 });
	void *objs[100];

	for (int round = 0; round < 20; round++) {
		os_fault_arm(1u << OS_RESERVE | 1u << OS_COMMIT | 1u << OS_MAP,
			     1, true);
		for (int i = 0; i < 100; i++)
			objs[i] = got(p);
		for (int i = 0; i < 100; i++)
			percu_pool_put_rcu(p, objs[i]);
		os_fault_disarm();
	}
	CU_ASSERT_TRUE(stats_are(p, 2000, 0, 2000, stats_of(p).deferred));
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	ASSERT_POOLS_HOLD(0);
}

static const CU_TestInfo tests[] = {
	{ "foreign objects are not destroyed before", foreign },
	{ "a constructed object keeps its state", constructed },
	{ "reset is called by the next get", reset_later },
	{ "ZERO zeroes when it is handed out", zeroed },
	{ "what waits is not out, for a limit", limited },
	{ "a get of the reserve waits for what waits", reserved_foreign },
	{ "slab objects of a reserve, without memory", reserved_slab },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("retire_kinds", tests);
}
