/* SPDX-License-Identifier: MIT */
/*
 * tests/abort_ops.c - operations that reach each sequence, and their books
 */
#include <errno.h>
#include <percu/alloc.h>
#include <percu/inline.h>
#include <stdlib.h>

#include "pool/waiting.h"
#include "tests/abort.h"
#include "tests/check.h"
#include "tests/conserve.h"

enum {
	NR_SIZES = 4
};

/* Flat, and instrumented (whose gets use the sequences of the slow path). */
static struct percu_pool *pool, *limited;

/* Of pool and limited, expected. */
static uint64_t gets[2], puts_[2], rcu[2];
static unsigned long broken;

static const size_t sizes[NR_SIZES] = { 8, 200, 1500, 20000 };

/* An object says whether it is out. */
static int object_ctor(void *obj, void *arg)
{
	(void)arg;
	*(volatile long *)obj = 0;
	return 0;
}

static void out(void *obj)
{
	if (!obj || (*(volatile long *)obj)++) {
		broken++;
		abort();
	}
}

static void in(void *obj)
{
	if (--*(volatile long *)obj)
		broken++;
}

/* Calls and inlined ones in turn. */
static void use_pool(unsigned int i)
{
	unsigned int n = 1 + i % 4;
	void *objs[8];

	for (i = 0; i < n; i++)
		out(objs[i] = i & 1 ? percu_pool_get(pool) :
				      (percu_pool_get)(pool));
	for (i = 0; i < n; i++) {
		in(objs[i]);
		if (i & 1)
			percu_pool_put(pool, objs[i]);
		else
			(percu_pool_put)(pool, objs[i]);
	}
	gets[0] += n;
	puts_[0] += n;
}

static void use_bulk(unsigned int i)
{
	void *objs[8];
	size_t k = percu_pool_get_bulk(pool, objs, 1 + i % 5);

	for (i = 0; i < k; i++)
		out(objs[i]);
	for (i = 0; i < k; i++)
		in(objs[i]);
	percu_pool_put_bulk(pool, objs, k);
	gets[0] += k;
	puts_[0] += k;
}

static void use_retire(unsigned int i)
{
	void *objs[8];
	size_t k = percu_pool_get_bulk(pool, objs, 1 + i % 3);

	for (i = 0; i < k; i++)
		out(objs[i]);
	for (i = 0; i < k; i++) {
		in(objs[i]);
		percu_pool_put_rcu(pool, objs[i]);
	}
	gets[0] += k;
	rcu[0] += k;
}

/* Instrumented: these do not hit, and use the sequences of the slow path. */
static void use_limited(unsigned int i)
{
	(void)i;
	for (i = 0; i < 2; i++) {
		void *obj = (percu_pool_get)(limited);

		out(obj);
		in(obj);
		if (i)
			percu_pool_put_rcu(limited, obj);
		else
			(percu_pool_put)(limited, obj);
	}
	gets[1] += 2;
	puts_[1]++;
	rcu[1]++;
}

/* Blocks of a size are all alike: only two that are one would show. */
static void use_size(size_t size, bool retire)
{
	size_t *p = percu_alloc(size), *q = percu_alloc(size);

	if (!p || !q || p == q) {
		broken++;
		abort();
	}
	*p = 1;
	*q = 2;
	broken += *p != 1;
	if (retire)
		percu_free_rcu(p);
	else
		percu_free(p);
	percu_free_sized(q, size);
}

static void use_classes(unsigned int i)
{
	use_size(sizes[i % NR_SIZES], i / NR_SIZES % 2);
}

void (*const operation[NR_OPERATIONS])(unsigned int i) = {
	use_pool, use_bulk, use_retire, use_classes, use_limited,
};

static void *kept, *kept_block;

void get_put(void)
{
	static unsigned int turn;
	int err = errno;

	if (kept && turn++ % 2) {
		percu_pool_put_rcu(pool, kept);
		percu_free_rcu(kept_block);
		rcu[0]++;
		kept = NULL;
	} else if (kept) {
		(percu_pool_put)(pool, kept);
		percu_free(kept_block);
		puts_[0]++;
		kept = NULL;
	} else {
		kept = (percu_pool_get)(pool);
		kept_block = percu_alloc(200);
		gets[0] += !!kept;
	}
	errno = err;
}

/* Whatever is moved between record and magazine does not count. */
static uint64_t done_in(const char *records, uint32_t index)
{
	struct record_counts c;

	if (!records)
		return 0;
	record_read(record_at((char *)(uintptr_t)records, index), &c);
	return c.gets + c.puts;
}

static uint64_t done_of(struct percu_pool *p, uint32_t index)
{
	uint64_t n = done_in(p->records, index);

	for_each_retire (r, p)
		n += done_in(r->records, index);
	return n;
}

uint64_t done_at(uint32_t index)
{
	uint64_t n = done_of(pool, index) + done_of(limited, index);

	for (int i = 0; i < NR_SIZES; i++)
		n += done_of(&class_pool[class_of(sizes[i])], index);
	return n;
}

/* So that each record has some and room for more. */
static void warm(void)
{
	for (unsigned int i = 0; i < 100; i++)
		for (int k = 0; k < NR_OPERATIONS; k++)
			operation[k](i);
}

void books_begin(void)
{
	const struct percu_pool_attr attr = { .name = "aborted",
					      .size = 64,
					      .ctor = object_ctor };
	const struct percu_pool_attr few = {
		.name = "few", .size = 64, .ctor = object_ctor, .limit = 100
	};

	pool = percu_pool_create(&attr);
	limited = percu_pool_create(&few);
	CU_ASSERT_FATAL(pool && limited);
	memset(gets, 0, sizeof(gets));
	memset(puts_, 0, sizeof(puts_));
	memset(rcu, 0, sizeof(rcu));
	broken = 0;
	warm();
}

bool books_agree(void)
{
	struct percu_pool_stats st = stats_of(pool), sl = stats_of(limited);

	return !broken && st.gets == gets[0] && st.puts == puts_[0] &&
	       st.puts_rcu == rcu[0] && sl.gets == gets[1] &&
	       sl.puts == puts_[1] && sl.puts_rcu == rcu[1];
}

void books_audit(void)
{
	struct audit a;

	CU_ASSERT_TRUE(books_agree());
	percu_barrier(); /* the reclaimer is quiet */
	CU_ASSERT_EQUAL(pool_audit(pool, &a), 0);
	CU_ASSERT_EQUAL(pool_audit(limited, &a), 0);
}

void books_end(void)
{
	CU_ASSERT_TRUE(books_agree());
	if (kept)
		get_put();
	percu_barrier();
	CU_ASSERT_TRUE(all_conserve());
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(limited), 0);
	CU_ASSERT_EQUAL(memstats().alloc, 0);
}
