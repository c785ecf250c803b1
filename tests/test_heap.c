/* SPDX-License-Identifier: MIT */
/*
 * tests/test_heap.c - page runs, the page map, and the audit of both
 */
#include <errno.h>
#include <stdlib.h>

#include "slab/runs.h"
#include "tests/heap.h"

enum {
	NR_LIVE = 256
};

/* Runs */

static size_t random_pages(struct check_rand *r)
{
	size_t most = 1u << (1 + check_rand_below(r, 13));

	return 1 + check_rand_below(r, (uint32_t)(most < 10000 ? most : 10000));
}

static size_t random_align(struct check_rand *r)
{
	if (check_rand_below(r, 4))
		return 1;
	return (size_t)1 << check_rand_below(r, 9);
}

static void live_alloc(struct check_rand *r, struct shadow *sh, size_t budget)
{
	size_t pages = random_pages(r), align = random_align(r);
	uint8_t class_ = pages < 16 ? (uint8_t)check_rand_below(r, 70) : 0;
	bool zero = false;

	if (pages > budget)
		return;
	sh->span = heap_alloc(pages, align, SPAN_LARGE, class_, &zero);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sh->span);
	CU_ASSERT_TRUE(sh->span->npages == pages);
	CU_ASSERT_TRUE(sh->span->start % (align * PAGE_SIZE_) == 0);
	CU_ASSERT_TRUE(map_exact(sh->span, pages, class_));
	CU_ASSERT_TRUE(!zero || is_zero(sh->span, pages));
	sh->pages = pages;
	sh->stamp = check_rand(r);
	stamp_span(sh);
}

static void live_free(struct check_rand *r, struct shadow *sh)
{
	uintptr_t start = sh->span->start;
	size_t pages = sh->pages;

	CU_ASSERT_TRUE(stamp_holds(sh));
	heap_free(sh->span, heap_cycle() - check_rand_below(r, 2));
	for (size_t i = 0; i < pages; i++) {
		struct span *s = span_of((void *)(start + i * PAGE_SIZE_));

		CU_ASSERT_TRUE(!s || s->kind == SPAN_FREE);
	}
	sh->span = NULL;
}

static void runs_random(void)
{
	struct check_rand r = { check_seed() };
	struct shadow live[NR_LIVE] = { { 0 } };
	size_t budget = check_short() ? 12000 : 30000, used = 0;
	int steps = check_short() ? 1000 : 10000;

	for (int step = 0; step < steps; step++) {
		struct shadow *sh = &live[check_rand_below(&r, NR_LIVE)];

		if (sh->span) {
			used -= sh->pages;
			live_free(&r, sh);
		} else {
			live_alloc(&r, sh, budget - used);
			used += sh->span ? sh->pages : 0;
		}
		if (step % 16 == 0)
			CU_ASSERT_EQUAL(heap_check(), 0);
		if (step % 256 == 0)
			heap_age(step % 1024 == 0);
		CU_ASSERT_EQUAL(stats().inuse, used * PAGE_SIZE_);
		CU_ASSERT_EQUAL(stats().sys, stats().inuse + stats().idle);
		CU_ASSERT_TRUE(stats().released <= stats().idle);
	}
	for (int i = 0; i < NR_LIVE; i++)
		if (live[i].span)
			live_free(&r, &live[i]);
	CU_ASSERT_EQUAL(heap_check(), 0);
	CU_ASSERT_EQUAL(stats().inuse, 0);
	/* Whole arenas again, each of them one run. */
	CU_ASSERT_EQUAL(stats().sys, stats().free_runs * 64 * MIB);
}

static void runs_aligned(void)
{
	for (size_t align = 1; align <= ARENA_PAGES / 2; align *= 2) {
		struct span *s = heap_alloc(3, align, SPAN_LARGE, 0, NULL);
		struct span *t = heap_alloc(align, align, SPAN_LARGE, 0, NULL);

		CU_ASSERT_PTR_NOT_NULL_FATAL(s);
		CU_ASSERT_PTR_NOT_NULL_FATAL(t);
		CU_ASSERT_EQUAL(s->start % (align * PAGE_SIZE_), 0);
		CU_ASSERT_EQUAL(t->start % (align * PAGE_SIZE_), 0);
		CU_ASSERT_EQUAL(heap_check(), 0);
		heap_free(s, 0);
		heap_free(t, 0);
	}
	CU_ASSERT_EQUAL(heap_check(), 0);
	/* Above, it has a mapping of its own. */
	for (size_t align = 2 * ARENA_PAGES; align <= 8 * ARENA_PAGES;
	     align *= 2) {
		struct span *s = heap_alloc(1, align, SPAN_LARGE, 0, NULL);

		CU_ASSERT_PTR_NOT_NULL_FATAL(s);
		CU_ASSERT_EQUAL(s->start % (align * PAGE_SIZE_), 0);
		CU_ASSERT_EQUAL(heap_check(), 0);
		heap_free(s, 0);
	}
	CU_ASSERT_PTR_NULL(heap_alloc(SIZE_MAX, 1, SPAN_LARGE, 0, NULL));
}

/* Three neighbours, freed in each order: one run in the end. */
static void runs_coalesce(void)
{
	static const int orders[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	uint64_t runs;

	heap_free(heap_alloc(1, 1, SPAN_LARGE, 0, NULL), 0);
	runs = stats().free_runs;
	for (int i = 0; i < 6; i++) {
		struct span *s[3];

		for (int k = 0; k < 3; k++)
			s[k] = heap_alloc((size_t)k + 1, 1, SPAN_LARGE, 0,
					  NULL);
		CU_ASSERT_EQUAL(s[1]->start, s[0]->start + PAGE_SIZE_);
		CU_ASSERT_EQUAL(s[2]->start, s[1]->start + 2 * PAGE_SIZE_);
		for (int k = 0; k < 3; k++) {
			heap_free(s[orders[i][k]], 0);
			CU_ASSERT_EQUAL(heap_check(), 0);
		}
		CU_ASSERT_EQUAL(stats().free_runs, runs);
	}
}

/* An exact fit is taken before a longer run, and memory before none. */
static void runs_best_fit(void)
{
	struct span *s[8], *t;
	uintptr_t at[8];

	for (size_t i = 0; i < 8; i++) {
		s[i] = heap_alloc(i == 1           ? 9 :
				  i == 3 || i == 5 ? 6 :
						     2,
				  1, SPAN_LARGE, 0, NULL);
		at[i] = s[i]->start;
	}
	heap_free(s[1], 0);
	heap_free(s[5], heap_cycle());
	heap_free(s[3], 0);
	heap_age(false);
	t = heap_alloc(6, 1, SPAN_LARGE, 0, NULL);
	CU_ASSERT_EQUAL(t->start, at[5]);
	s[3] = heap_alloc(6, 1, SPAN_LARGE, 0, NULL);
	CU_ASSERT_EQUAL(s[3]->start, at[3]);
	s[1] = heap_alloc(8, 1, SPAN_LARGE, 0, NULL);
	CU_ASSERT_EQUAL(s[1]->start, at[1]);
	s[5] = t;
	for (size_t i = 0; i < 8; i++)
		heap_free(s[i], 0);
	CU_ASSERT_EQUAL(heap_check(), 0);
}

/* 64 MiB and more: across arenas, and gone when freed. */
static void runs_direct(void)
{
	static const size_t pages[] = { ARENA_PAGES, ARENA_PAGES + 1, 25600 };
	struct heap_stats before = stats();

	for (size_t i = 0; i < 3; i++) {
		bool zero = false;
		struct span *s =
			heap_alloc(pages[i], 1u << i, SPAN_LARGE, 0, &zero);
		uintptr_t start, last;
		unsigned char vec[16];

		CU_ASSERT_PTR_NOT_NULL_FATAL(s);
		CU_ASSERT_TRUE(zero);
		CU_ASSERT_TRUE(map_exact(s, pages[i], 0));
		CU_ASSERT_EQUAL(heap_check(), 0);
		CU_ASSERT_EQUAL(stats().sys,
				before.sys + s->npages * (uint64_t)PAGE_SIZE_);
		CU_ASSERT_EQUAL(stats().idle, before.idle);
		start = s->start;
		last = start + pages[i] * PAGE_SIZE_ - 1;
		memset((void *)(last - 99), 1, 100);
		heap_free(s, heap_cycle());
		CU_ASSERT_EQUAL(heap_check(), 0);
		CU_ASSERT_EQUAL(stats().sys, before.sys);
		CU_ASSERT_EQUAL(stats().inuse, before.inuse);
		CU_ASSERT_EQUAL(mincore((void *)start, PAGE_SIZE_, vec), -1);
		CU_ASSERT_PTR_NULL(span_of((void *)start));
		CU_ASSERT_PTR_NULL(span_of((void *)last));
	}
}

/* The map takes any pointer. */
static void map_wild(void)
{
	struct check_rand r = { check_seed() };
	int on_stack = 0;
	void *foreign = malloc(100);

	CU_ASSERT_PTR_NULL(span_of(NULL));
	CU_ASSERT_PTR_NULL(span_of(&on_stack));
	CU_ASSERT_PTR_NULL(span_of(foreign));
	CU_ASSERT_PTR_NULL(span_of((void *)UINTPTR_MAX));
	for (int i = 0; i < 100000; i++) {
		uintptr_t p =
			(uintptr_t)(check_rand(&r) >> check_rand_below(&r, 64));
		struct span *s = span_of((void *)p);

		CU_ASSERT_TRUE(!s || s->kind == SPAN_FREE);
	}
	free(foreign);
}

/* Threads */

struct crowd {
	struct shadow *mailbox; /* (a) */
	unsigned long errors;   /* (a) */
	int steps;
};

static void crowd_free(struct crowd *c, struct shadow *sh)
{
	if (!sh)
		return;
	if (!stamp_holds(sh))
		__atomic_add_fetch(&c->errors, 1, __ATOMIC_RELAXED);
	heap_free(sh->span, heap_cycle());
	free(sh);
}

static struct shadow *crowd_alloc(struct check_rand *r)
{
	struct shadow *sh = malloc(sizeof(*sh));
	bool zero = false;

	if (!sh)
		return NULL;
	sh->pages = 1 + check_rand_below(r, 64);
	sh->stamp = check_rand(r);
	sh->span = heap_alloc(sh->pages, 1, SPAN_LARGE, 0, &zero);
	if (!sh->span || (zero && !is_zero(sh->span, sh->pages)))
		abort();
	stamp_span(sh);
	return sh;
}

/* Half of the spans are freed by another thread than allocated them. */
static void crowd_thread(unsigned int i, void *arg)
{
	struct crowd *c = arg;
	struct check_rand r = { check_seed() + i };
	struct shadow *live[32] = { NULL };

	for (int step = 0; step < c->steps; step++) {
		uint32_t k = check_rand_below(&r, 32);

		if (live[k] && check_rand_below(&r, 2))
			live[k] = __atomic_exchange_n(&c->mailbox, live[k],
						      __ATOMIC_ACQ_REL);
		crowd_free(c, live[k]);
		live[k] = crowd_alloc(&r);
		if (i < 2 && step % 64 == 0)
			heap_age(step % 128);
		if (i == 2 && step % 64 == 0 && heap_check())
			__atomic_add_fetch(&c->errors, 1, __ATOMIC_RELAXED);
	}
	for (int k = 0; k < 32; k++)
		crowd_free(c, live[k]);
}

static void threads(void)
{
	struct crowd c = { .steps = check_short() ? 500 : 10000 };

	check_seed();
	check_threads(4, crowd_thread, &c);
	crowd_free(&c, c.mailbox);
	CU_ASSERT_EQUAL(c.errors, 0);
	CU_ASSERT_EQUAL(heap_check(), 0);
	CU_ASSERT_EQUAL(stats().inuse, 0);
	CU_ASSERT_EQUAL(stats().sys, stats().free_runs * 64 * MIB);
}

/* The audit finds what is wrong. */

struct damage {
	void (*fn)(struct span *used, struct span *gap);
	int result;
};

static void damage_map(struct span *used, struct span *gap)
{
	(void)gap;
	map_set_page(used->start + PAGE_SIZE_, NULL);
}

static void damage_inner(struct span *used, struct span *gap)
{
	map_set_page(gap->start + PAGE_SIZE_, used);
}

static void damage_class(struct span *used, struct span *gap)
{
	(void)gap;
	map_set(used->start, 1, used, 7);
}

static void damage_length(struct span *used, struct span *gap)
{
	(void)used;
	gap->npages--;
}

static void damage_bits(struct span *used, struct span *gap)
{
	(void)gap;
	pages_clear(used->start, 1, PAGE_RESIDENT);
}

static void damage_idle(struct span *used, struct span *gap)
{
	(void)used;
	pages_clear(gap->start, 1, PAGE_IDLE);
}

static void damage_count(struct span *used, struct span *gap)
{
	(void)used;
	(void)gap;
	heap.inuse++;
}

static void damage_released(struct span *used, struct span *gap)
{
	(void)used;
	(void)gap;
	heap.released++;
}

static void damage_bin(struct span *used, struct span *gap)
{
	(void)used;
	list_del(&gap->list);
}

static void damage_child(void *arg)
{
	struct damage *d = arg;
	struct span *s = heap_alloc(3, 1, SPAN_LARGE, 0, NULL);
	struct span *gap = heap_alloc(5, 1, SPAN_LARGE, 0, NULL);
	struct span *t = heap_alloc(3, 1, SPAN_LARGE, 0, NULL);

	heap_free(gap, 0);
	child_must(s && t && !heap_check());
	d->fn(s, span_of((void *)(s->start + 3 * PAGE_SIZE_)));
	d->result = heap_check();
}

static void audit_finds(void)
{
	static void (*const fns[])(struct span *, struct span *) = {
		damage_map,      damage_inner, damage_class,
		damage_length,   damage_bits,  damage_idle,
		damage_released, damage_count, damage_bin,
	};
	struct damage *d = shared(sizeof(*d));

	for (size_t i = 0; i < sizeof(fns) / sizeof(fns[0]); i++) {
		char out[1024];
		int status;

		*d = (struct damage){ .fn = fns[i] };
		status = check_fork(damage_child, d, out, sizeof(out));
		CU_ASSERT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
		CU_ASSERT_EQUAL(d->result, -EUCLEAN);
		CU_ASSERT_PTR_NOT_NULL(strstr(out, "heap: "));
	}
	munmap(d, sizeof(*d));
}

static const CU_TestInfo tests[] = {
	{ "random runs against a shadow", runs_random },
	{ "alignment up to 32 MiB", runs_aligned },
	{ "neighbours coalesce in each order of frees", runs_coalesce },
	{ "best fit, and memory first", runs_best_fit },
	{ "64 MiB and more have their own mapping", runs_direct },
	{ "the map takes any pointer", map_wild },
	{ "threads", threads },
	{ "the audit finds damage", audit_finds },
	CU_TEST_INFO_NULL
};

int main(void)
{
	heap_init();
	return check_main("heap", tests);
}
