/* SPDX-License-Identifier: MIT */
/*
 * tests/oom.h - an operation in a new process, on a system that refuses
 *
 * As SQLite does it: the first call to the system fails, then the second,
 * until the operation makes no further one; each time once, or for good from
 * there on.  Every try has a process of its own, so each starts the same.
 *
 *	oom = shared(sizeof(*oom));
 *	oom->forever = true;
 *	sweep(child, arg, "what");
 *
 * The child arms the faults and disarms them, and says at its end that it is
 * done.
 *
 * tests/faults.h does the same to one process that goes on.
 */
#ifndef PERCU_TESTS_OOM_H
#define PERCU_TESTS_OOM_H

#include <errno.h>
#include <percu/alloc.h>

#include "tests/conserve.h"

enum {
	EVERY_CALL = (1 << OS_NR_CALLS) - 1,
	ERRNO_OF_MINE = 77,
};

/* In memory that the child shares. */
struct oom {
	unsigned long nth;
	bool forever, warm;
	unsigned long fired, refused;
	bool done;
	unsigned long crippled; /* of init: tries without the dummy */
	char mode[16];
};

static struct oom *oom;
static bool armed;

static inline void arm(void)
{
	os_fault_arm(EVERY_CALL, oom->nth, oom->forever);
	armed = true;
}

static inline void disarm(void)
{
	os_fault_disarm();
	if (armed)
		oom->fired += os_fault_fired();
	armed = false;
}

/* NULL is an answer, if it is a NULL for want of memory. */
static inline void *wanted(void *p)
{
	if (!p) {
		child_must(errno == ENOMEM);
		child_must(os_fault_fired());
		oom->refused++;
	}
	return p;
}

/* Giving back never fails, and never says that it did. */
static inline void give_block(void *p)
{
	errno = ERRNO_OF_MINE;
	percu_free(p);
	child_must(errno == ERRNO_OF_MINE);
}

static inline void give_object(struct percu_pool *p, void *obj)
{
	errno = ERRNO_OF_MINE;
	percu_pool_put(p, obj);
	child_must(errno == ERRNO_OF_MINE);
}

/* Pools of every kind. -------------------------------------------------------- */

/* Objects that own memory from the classes: a constructor can fail too. */
static inline int node_ctor(void *obj, void *arg)
{
	(void)arg;
	*(void **)obj = percu_alloc(200);
	return *(void **)obj ? 0 : -ENOMEM;
}

static inline void node_dtor(void *obj, void *arg)
{
	(void)arg;
	percu_free(*(void **)obj);
}

static inline void *item_create(void *arg)
{
	(void)arg;
	return percu_alloc(100);
}

static inline void item_destroy(void *obj, void *arg)
{
	(void)arg;
	percu_free(obj);
}

#define NODE .size = 48, .ctor = node_ctor, .dtor = node_dtor
#define ITEM .create = item_create, .destroy = item_destroy

static const struct percu_pool_attr attrs[] = {
	{ .name = "plain", .size = 200 },
	{ .name = "aligned", .size = 5000, .align = 4096 },
	{ .name = "big", .size = 100000 },
	{ .name = "node", NODE },
	{ .name = "item", ITEM },
	{ .name = "plain-reserve", .size = 200, .reserve = 100 },
	{ .name = "node-reserve", NODE, .reserve = 100 },
	{ .name = "item-reserve", ITEM, .reserve = 100 },
	{ .name = "limited", .size = 64, .limit = 1000, .reserve = 10 },
	{ .name = "zeroed", .size = 96, .flags = PERCU_POOL_ZERO },
};

static struct percu_pool *pool_of(const struct percu_pool_attr *attr)
{
	struct percu_pool *p = percu_pool_create(attr);

	child_must(p);
	return p;
}

/* The fence may have been refused; then the pool lives on. */
static inline void end(struct percu_pool *p)
{
	int err = percu_pool_destroy(p);

	if (err) {
		child_must(err == -EPERM && os_fault_fired());
		disarm();
		child_must(!percu_pool_destroy(p));
	}
}

/* Everything works, and all of it goes back where it came from. */
static inline void works_and_leaves_nothing(void)
{
	struct percu_memstats ms;
	void *objs[10], *p = percu_alloc(100), *q = percu_zalloc(1 << 20);
	struct percu_pool *pool = pool_of(&attrs[6]);

	child_must(p && q && percu_pool_get_bulk(pool, objs, 10) == 10);
	child_must(all_conserve());
	percu_pool_put_bulk(pool, objs, 10);
	percu_free(p);
	percu_free(q);
	child_must(!percu_pool_destroy(pool));
	for (int i = 0; i < 4; i++)
		percu_age();
	ms = memstats();
	child_must(ms.mallocs == ms.frees && !ms.alloc && !ms.heap_inuse);
	child_must(all_conserve());
}

/* The sweep. ------------------------------------------------------------------- */

/* Totals, to be printed. */
static struct {
	unsigned long points, fired, refused;
} sum;

/* The n-th call fails, for every n that there is. */
static inline void sweep(void (*child)(void *arg), void *arg, const char *what)
{
	for (oom->nth = 1;; oom->nth = check_next(oom->nth)) {
		oom->fired = 0;
		oom->refused = 0;
		oom->done = false;
		CU_ASSERT_TRUE_FATAL(child_ok(child, arg));
		if (!oom->done || !oom->fired)
			break;
		sum.points++;
		sum.fired += oom->fired;
		sum.refused += oom->refused;
	}
	if (!oom->done)
		printf("\n    %s, call %lu\n", what, oom->nth);
	CU_ASSERT_TRUE(oom->done);
}

static inline void print_sum(void)
{
	printf("(%lu points, %lu faults, %lu refusals) ", sum.points, sum.fired,
	       sum.refused);
	CU_ASSERT_TRUE(sum.points > 0);
	CU_ASSERT_TRUE(sum.fired >= sum.points);
	memset(&sum, 0, sizeof(sum));
}

#endif /* PERCU_TESTS_OOM_H */
