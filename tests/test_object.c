/* SPDX-License-Identifier: MIT */
/*
 * tests/test_object.c - what percu/pool.h says of an object
 *
 * When its callbacks run and what they see, and what get and put do with one
 * object or many.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/alloc.h>
#include <percu/pool.h>

#include "tests/check.h"
#include "tests/pools.h"

/* Objects. ---------------------------------------------------------------- */

/*
 * A pool whose objects number themselves: the ctor counts one up for a number
 * that no object had before, and the dtor takes it off.
 */
enum {
	NUMBERS = 1 << 17
};

struct numbered {
	uint64_t number, canary;
	char rest[48];
};

static struct numbers {
	uint64_t next;
	uint8_t made[NUMBERS], unmade[NUMBERS], out[NUMBERS];
	unsigned long wrong, resets;
	int err;             /* what the ctor says */
	unsigned long after; /* so many times 0 before that */
} nums;

#define CANARY(n) ((n)*0x9e3779b97f4a7c15u + 1)

static int number_ctor(void *obj, void *arg)
{
	struct numbered *o = obj;

	nums.wrong += arg != &nums;
	if (nums.err && !nums.after--) {
		nums.after = 0;
		return nums.err;
	}
	o->number = nums.next++;
	o->canary = CANARY(o->number);
	nums.made[o->number % NUMBERS]++;
	return 0;
}

static bool number_holds(const struct numbered *o)
{
	return o->number < nums.next && o->canary == CANARY(o->number) &&
	       nums.made[o->number] == 1 && !nums.unmade[o->number];
}

static void number_dtor(void *obj, void *arg)
{
	struct numbered *o = obj;

	nums.wrong += arg != &nums || !number_holds(o) || nums.out[o->number];
	nums.unmade[o->number]++;
	o->canary = 0;
}

static const struct percu_pool_attr numbered = {
	.name = "numbered",
	.size = sizeof(struct numbered),
	.ctor = number_ctor,
	.dtor = number_dtor,
	.arg = &nums,
};

static struct percu_pool *number_pool(const struct percu_pool_attr *attr)
{
	struct percu_pool *p;

	memset(&nums, 0, sizeof(nums));
	p = percu_pool_create(attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

/* Law: after the end each number was made once and unmade once. */
static void number_check(const struct percu_pool_stats *st)
{
	unsigned long bad = 0;

	for (uint64_t i = 0; i < nums.next; i++)
		bad += nums.made[i] != 1 || nums.unmade[i] != 1 || nums.out[i];
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT_EQUAL(nums.wrong, 0);
	CU_ASSERT_EQUAL(st->created, nums.next);
}

/* A random step: get, put, age or shrink; with obj[n] out. */
static size_t number_step(struct percu_pool *p, struct check_rand *r,
			  struct numbered **obj, size_t n, size_t max)
{
	uint32_t what = check_rand_below(r, 1000);
	uint32_t gets = max > 100 ? 600 : 500;
	size_t i;

	if (what < 2) {
		percu_pool_age(p);
	} else if (what < 3) {
		percu_pool_shrink(p);
	} else if (n < max && (what < gets || !n)) {
		obj[n] = percu_pool_get(p);
		nums.wrong += !number_holds(obj[n]) ||
			      nums.out[obj[n]->number]++;
		n++;
	} else {
		i = check_rand_below(r, (uint32_t)n);
		nums.wrong += !number_holds(obj[i]);
		nums.out[obj[i]->number]--;
		percu_pool_put(p, obj[i]);
		obj[i] = obj[--n];
	}
	return n;
}

/*
 * Laws: ctor once for each object, dtor once, neither while it is out or
 * waits; a constructed object keeps its state while it waits.
 */
static void made_once(void)
{
	struct check_rand r = { check_seed() };
	int steps = check_short() ? 5000 : 60000;
	struct numbered *obj[700];
	struct percu_pool *p = number_pool(&numbered);
	struct percu_pool_stats st;
	size_t n = 0, max;

	for (int i = 0; i < steps; i++) {
		max = i / 1000 % 2 ? 700 : 20;
		n = number_step(p, &r, obj, n, max);
		while (n > max) {
			nums.out[obj[--n]->number]--;
			percu_pool_put(p, obj[n]);
		}
	}
	ASSERT_POOLS_HOLD(n);
	while (n) {
		nums.out[obj[--n]->number]--;
		percu_pool_put(p, obj[n]);
	}
	st = stats_of(p);
	printf("(%llu made) ", (unsigned long long)st.created);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	number_check(&st);
	ASSERT_POOLS_HOLD(0);
}

/* Law: a dtor alone sees each object that was ever out, once. */
static unsigned long dtors;

static void dtor_count(void *obj, void *arg)
{
	dtors += obj && arg == &dtors;
}

static void dtor_alone(void)
{
	const struct percu_pool_attr attr = { .size = 100,
					      .dtor = dtor_count,
					      .arg = &dtors };
	struct percu_pool *p = percu_pool_create(&attr);
	struct percu_pool_stats st;
	void *obj[100];

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	dtors = 0;
	CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 100), 100);
	CU_ASSERT_EQUAL(dtors, 0);
	percu_pool_put_bulk(p, obj, 100);
	st = stats_of(p);
	CU_ASSERT(st.created >= 100);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	CU_ASSERT_EQUAL(dtors, st.created);
}

/* Laws: the get that wanted the object says what its ctor said; others work. */
static void ctor_fails(void)
{
	struct percu_pool *p = number_pool(&numbered);
	struct percu_pool_stats st;
	void *obj[200];
	size_t n = 0;

	nums.err = -EIO;
	errno = 0;
	CU_ASSERT_PTR_NULL(percu_pool_get(p));
	CU_ASSERT_EQUAL(errno, EIO);
	nums.err = -ENODEV;
	CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 3), 0);
	CU_ASSERT_EQUAL(errno, ENODEV);
	st = stats_of(p);
	CU_ASSERT_EQUAL(st.created, 0);
	CU_ASSERT_EQUAL(st.gets, 0);
	CU_ASSERT_EQUAL(st.failures, 2);

	/* 73 can be made and not one more: as many can be had. */
	nums.after = 73;
	nums.err = -EAGAIN;
	errno = 0;
	while (n < 200 && (obj[n] = percu_pool_get(p)))
		n++;
	CU_ASSERT_EQUAL(n, 73);
	CU_ASSERT_EQUAL(errno, EAGAIN);
	ASSERT_POOLS_HOLD(73);
	nums.err = 0;
	obj[n] = percu_pool_get(p);
	CU_ASSERT_PTR_NOT_NULL(obj[n]);
	percu_pool_put_bulk(p, obj, n + 1);
	st = stats_of(p);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	number_check(&st);
	ASSERT_POOLS_HOLD(0);
}

/* Law: a create that fails says why, or it is ENOMEM; the pool works on. */
static struct foreign_says {
	int err; /* what errno is set to; 0: it is left alone */
	bool fail;
	unsigned long created, destroyed, resets;
} says;

static void *says_create(void *arg)
{
	struct foreign_says *s = arg;

	if (s->fail) {
		if (s->err)
			errno = s->err;
		return NULL;
	}
	s->created++;
	return malloc(16);
}

static void says_destroy(void *obj, void *arg)
{
	((struct foreign_says *)arg)->destroyed++;
	errno = ECHILD;
	free(obj);
}

static void says_reset(void *obj, void *arg)
{
	(void)obj;
	((struct foreign_says *)arg)->resets++;
}

static const struct percu_pool_attr foreign = {
	.name = "foreign",
	.create = says_create,
	.destroy = says_destroy,
	.arg = &says,
};

static struct percu_pool *foreign_pool(const struct percu_pool_attr *attr)
{
	struct percu_pool *p;

	says = (struct foreign_says){ 0 };
	p = percu_pool_create(attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

static void create_fails(void)
{
	struct percu_pool *p = foreign_pool(&foreign);
	void *obj, *other;

	says = (struct foreign_says){ .fail = true, .err = ECONNREFUSED };
	errno = 0;
	CU_ASSERT_PTR_NULL(percu_pool_get(p));
	CU_ASSERT_EQUAL(errno, ECONNREFUSED);
	says.err = 0;
	errno = 0;
	CU_ASSERT_PTR_NULL(percu_pool_get(p));
	CU_ASSERT_EQUAL(errno, ENOMEM);
	CU_ASSERT_EQUAL(stats_of(p).failures, 2);
	CU_ASSERT_EQUAL(stats_of(p).gets, 0);
	says.fail = false;
	obj = percu_pool_get(p);
	CU_ASSERT_PTR_NOT_NULL(obj);
	says.fail = true;
	CU_ASSERT_PTR_NULL(percu_pool_get(p));
	percu_pool_put(p, obj);
	other = percu_pool_get(p);
	CU_ASSERT_PTR_EQUAL(other, obj);
	percu_pool_put(p, other);
	ASSERT_POOLS_HOLD(0);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	CU_ASSERT_EQUAL(says.created, 1);
	CU_ASSERT_EQUAL(says.destroyed, 1);
}

/* Law: a reserve that cannot be made fails percu_pool_create() with why. */
static void reserve_fails(void)
{
	struct percu_pool_attr attr = foreign;

	attr.reserve = 5;
	says = (struct foreign_says){ .fail = true, .err = ENETDOWN };
	errno = 0;
	CU_ASSERT_PTR_NULL(percu_pool_create(&attr));
	CU_ASSERT_EQUAL(errno, ENETDOWN);
	memset(&nums, 0, sizeof(nums));
	attr = numbered;
	attr.reserve = 100;
	nums.after = 90;
	nums.err = -EPROTO;
	CU_ASSERT_PTR_NULL(percu_pool_create(&attr));
	CU_ASSERT_EQUAL(errno, EPROTO);
	for (uint64_t i = 0; i < nums.next; i++)
		nums.wrong += nums.unmade[i] != 1;
	CU_ASSERT_EQUAL(nums.next, 90);
	CU_ASSERT_EQUAL(nums.wrong, 0);
	ASSERT_POOLS_HOLD(0);
}

/* Reset. ------------------------------------------------------------------ */

/* Slab objects that know how often they were out. */
struct used {
	unsigned long outs, resets;
};

static unsigned long reset_wrong;

static int used_ctor(void *obj, void *arg)
{
	*(struct used *)obj = (struct used){ 0, 0 };
	(void)arg;
	return 0;
}

static void used_reset(void *obj, void *arg)
{
	struct used *u = obj;

	u->resets++;
	reset_wrong += u->resets != u->outs;
	(void)arg;
}

/* Law: reset before each time but the first; never anywhere else. */
static void reset_slab(size_t reserve)
{
	const struct percu_pool_attr attr = {
		.size = sizeof(struct used),
		.ctor = used_ctor,
		.reset = used_reset,
		.reserve = reserve,
	};
	struct percu_pool *p = percu_pool_create(&attr);
	struct used *u[150];

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	reset_wrong = 0;
	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < 150; i++) {
			u[i] = percu_pool_get(p);
			reset_wrong += u[i]->resets != u[i]->outs;
			u[i]->outs++;
		}
		for (int i = 0; i < 150; i++)
			percu_pool_put(p, u[i]);
		if (round == 2)
			percu_pool_age(p);
		if (round == 4)
			percu_pool_shrink(p);
	}
	CU_ASSERT_EQUAL(reset_wrong, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

static void reset_foreign(size_t reserve)
{
	struct percu_pool_attr attr = foreign;
	struct percu_pool *p;
	void *obj[150];

	attr.reset = says_reset;
	attr.reserve = reserve;
	p = foreign_pool(&attr);
	CU_ASSERT_EQUAL(says.created, reserve);
	CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 150), 150);
	CU_ASSERT_EQUAL(says.created, 150);
	CU_ASSERT_EQUAL(says.resets, 0);
	percu_pool_put_bulk(p, obj, 150);
	CU_ASSERT_EQUAL(says.resets, 0);
	CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 100), 100);
	CU_ASSERT_EQUAL(says.resets, 100);
	percu_pool_put_bulk(p, obj, 100);
	percu_pool_age(p);
	CU_ASSERT_EQUAL(says.resets, 100);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	CU_ASSERT_EQUAL(says.resets, 100);
	CU_ASSERT_EQUAL(says.destroyed, 150);
}

static void resets(void)
{
	reset_slab(0);
	reset_slab(40);
	reset_foreign(0);
	reset_foreign(40);
	ASSERT_POOLS_HOLD(0);
}

/* Law: with ZERO every get hands out zeroes, whatever was there. */
static void zeroed(void)
{
	static const size_t size[] = { 1, 24, 100, 4096, 5000, 100000 };

	for (size_t i = 0; i < sizeof(size) / sizeof(*size); i++) {
		const struct percu_pool_attr attr = {
			.size = size[i], .flags = PERCU_POOL_ZERO
		};
		struct percu_pool *p = percu_pool_create(&attr);
		void *obj[20];

		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		for (int round = 0; round < 3; round++) {
			CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 20), 20);
			for (int k = 0; k < 20; k++) {
				CU_ASSERT(bytes_zero(obj[k], size[i]));
				memset(obj[k], 0xa5, size[i]);
			}
			for (int k = 0; k < 20; k++)
				percu_pool_put(p, obj[k]);
			if (round == 1)
				percu_pool_shrink(p);
		}
		CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	}
	ASSERT_POOLS_HOLD(0);
}

/* Calls. ------------------------------------------------------------------ */

static bool distinct(void *const *obj, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (obj[i] == obj[k])
				return false;
	return true;
}

/* Laws: as many as asked for, each once; the array is left as it is. */
static void bulk(void)
{
	static const size_t n[] = { 0, 1, 2, 29, 30, 31, 60, 61, 120, 121, 500 };
	struct percu_pool_attr plain = { .size = 64 }, checked = plain;
	void *obj[500], *was[500];

	checked.limit = 1000;
	for (size_t i = 0; i < 2 * sizeof(n) / sizeof(*n); i++) {
		struct percu_pool *p =
			percu_pool_create(i % 2 ? &checked : &plain);
		size_t k = n[i / 2];

		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		for (int round = 0; round < 3; round++) {
			CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, k), k);
			CU_ASSERT(distinct(obj, k));
			CU_ASSERT_EQUAL(stats_of(p).outstanding, k);
			memcpy(was, obj, k * sizeof(*obj));
			percu_pool_put_bulk(p, obj, k);
			CU_ASSERT_EQUAL(memcmp(was, obj, k * sizeof(*obj)), 0);
			CU_ASSERT_EQUAL(stats_of(p).outstanding, 0);
		}
		CU_ASSERT_EQUAL(stats_of(p).gets, 3 * k);
		CU_ASSERT_EQUAL(stats_of(p).puts, 3 * k);
		CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	}
	CU_ASSERT_EQUAL(percu_pool_get_bulk(percu_pool_create(&plain), NULL, 0),
			0);
	ASSERT_POOLS_HOLD(0);
}

/* Law: fewer only where get would have failed; then errno says why. */
static void bulk_partial(void)
{
	struct percu_pool *p = number_pool(&numbered);
	void *obj[100];

	nums.after = 37;
	nums.err = -ENOSPC;
	errno = 0;
	CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 100), 37);
	CU_ASSERT_EQUAL(errno, ENOSPC);
	CU_ASSERT(distinct(obj, 37));
	percu_pool_put_bulk(p, obj, 37);
	CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 37), 37);
	percu_pool_put_bulk(p, obj, 37);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	ASSERT_POOLS_HOLD(0);
}

/* Laws: NULL is ignored; puts leave errno alone, even where they destroy. */
static void put_quietly(void)
{
	struct percu_pool *p = foreign_pool(&foreign);
	static void *obj[6000];
	size_t n = check_short() ? 1000 : 6000;

	errno = EDOM;
	percu_pool_put(p, NULL);
	CU_ASSERT_EQUAL(errno, EDOM);
	CU_ASSERT_EQUAL(stats_of(p).puts, 0);
	CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, n), n);
	errno = EDOM;
	for (size_t i = 0; i < n / 2; i++)
		percu_pool_put(p, obj[i]);
	percu_pool_put_bulk(p, obj + n / 2, n - n / 2);
	percu_pool_put_bulk(p, obj, 0);
	CU_ASSERT_EQUAL(errno, EDOM);
	CU_ASSERT_EQUAL(stats_of(p).puts, n);
	/* 6 MB of weight are more than the depots' budget. */
	if (!check_short())
		CU_ASSERT(says.destroyed > 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	CU_ASSERT_EQUAL(says.destroyed, n);
	ASSERT_POOLS_HOLD(0);
}

/* Law: -EBUSY while one is out, and then everything works as before. */
static void destroy_busy(void)
{
	struct percu_pool *p = number_pool(&numbered);
	struct percu_pool_stats st;
	void *obj[100], *last;

	CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 100), 100);
	last = obj[50];
	obj[50] = obj[99];
	percu_pool_put_bulk(p, obj, 99);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(percu_pool_destroy(p), -EBUSY);
		CU_ASSERT(number_holds(last));
		CU_ASSERT_EQUAL(percu_pool_get_bulk(p, obj, 100), 100);
		CU_ASSERT(distinct(obj, 100));
		percu_pool_put_bulk(p, obj, 100);
		percu_pool_age(p);
	}
	ASSERT_POOLS_HOLD(1);
	percu_pool_put(p, last);
	st = stats_of(p);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	number_check(&st);
	ASSERT_POOLS_HOLD(0);
}

static const CU_TestInfo tests[] = {
	{ "an object is constructed once and destroyed once", made_once },
	{ "a dtor needs no ctor", dtor_alone },
	{ "a get says what its ctor said", ctor_fails },
	{ "a get says what its create said", create_fails },
	{ "a create says what the reserve's callbacks said", reserve_fails },
	{ "reset runs before each re-use and not before", resets },
	{ "zeroed objects are zero each time", zeroed },
	{ "bulk gets and puts are as many single ones", bulk },
	{ "a bulk get that fails says how many and why", bulk_partial },
	{ "puts leave errno alone and ignore NULL", put_quietly },
	{ "a busy pool is not ended and lives on", destroy_busy },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("object", tests);
}
