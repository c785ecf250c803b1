/* SPDX-License-Identifier: MIT */
/*
 * tests/test_heap_resize.c - spans of large blocks get another length
 *
 * After each step the heap is recounted, page by page, and what the span held
 * is looked at.
 */
#include <string.h>

#include "sys/os.h"
#include "tests/check.h"
#include "tests/heap.h"

static struct span *large(size_t npages)
{
	struct span *s = heap_alloc(npages, 1, SPAN_LARGE, 0, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return s;
}

static void fill(struct span *s, unsigned char tag)
{
	memset((void *)s->start, tag, (size_t)s->npages << PAGE_SHIFT_);
}

/* The first n pages hold the tag. */
static bool holds(const struct span *s, size_t n, unsigned char tag)
{
	const unsigned char *p = (const unsigned char *)s->start;

	return p[0] == tag && !memcmp(p, p + 1, (n << PAGE_SHIFT_) - 1);
}

static void check_map(const struct span *s)
{
	for (uint32_t i = 0; i < s->npages; i++)
		CU_ASSERT_PTR_EQUAL(
			span_of((void *)(s->start + (i << PAGE_SHIFT_))), s);
	CU_ASSERT_EQUAL(heap_check(), 0);
}

static void test_cut(void)
{
	struct span *s = large(100), *rest;

	fill(s, 1);
	heap_cut(s, 10);
	CU_ASSERT_EQUAL(s->npages, 10);
	CU_ASSERT(holds(s, 10, 1));
	check_map(s);
	rest = large(90); /* best fit: just what was cut off */
	CU_ASSERT_EQUAL(rest->start, s->start + (10 << PAGE_SHIFT_));
	check_map(rest);
	heap_free(s, 0);
	heap_free(rest, 0);
	CU_ASSERT_EQUAL(heap_check(), 0);
}

/* How many of the system's pages from the span's page on are there? */
static size_t mapped(uintptr_t start, size_t n, unsigned char *there)
{
	size_t count = 0, step = os_page_size();
	uintptr_t end = start + (n << PAGE_SHIFT_);

	*there = 0;
	for (uintptr_t p = start; p < end; p += step) {
		unsigned char vec = 0;

		if (!mincore((void *)p, step, &vec))
			count++;
		*there |= vec & 1;
	}
	return count;
}

/* The tail of a mapping of its own is the system's again, and never idle. */
static void cut_direct(size_t npages, size_t to, bool refuse)
{
	struct heap_stats before = stats(), now;
	struct span *s = heap_alloc_direct(npages), *moved;
	size_t keep = arena_bytes(to) >> PAGE_SHIFT_;
	uintptr_t tail;
	unsigned char there;

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	npages = s->npages;
	tail = s->start + (keep << PAGE_SHIFT_);
	fill(s, 7);
	if (refuse)
		os_fault_arm(1u << OS_UNMAP, 1, true);
	heap_cut(s, to);
	CU_ASSERT_EQUAL(refuse ? check_fired("munmap") : 0, refuse);
	now = stats();
	CU_ASSERT_EQUAL(s->npages, keep);
	CU_ASSERT_EQUAL(now.sys, before.sys + (keep << PAGE_SHIFT_));
	CU_ASSERT_EQUAL(now.inuse, before.inuse + (keep << PAGE_SHIFT_));
	CU_ASSERT_EQUAL(now.released, before.released);
	CU_ASSERT(holds(s, to, 7));
	check_map(s);
	for (size_t i = 0; i < npages - keep; i++)
		CU_ASSERT_PTR_NULL(
			span_of((void *)(tail + (i << PAGE_SHIFT_))));
	CU_ASSERT(refuse || !mapped(tail, npages - keep, &there));
	if (refuse) /* addresses are lost, memory is not */
		CU_ASSERT(mapped(tail, npages - keep, &there) && !there);
	moved = heap_move(s, npages);
	CU_ASSERT_PTR_NOT_NULL_FATAL(moved);
	CU_ASSERT(holds(moved, to, 7));
	check_map(moved);
	heap_free(moved, 0);
	CU_ASSERT_EQUAL(stats().sys, before.sys);
	CU_ASSERT_EQUAL(heap_check(), 0);
	if (refuse)
		munmap((void *)tail, (npages - keep) << PAGE_SHIFT_);
}

static void test_cut_direct(void)
{
	cut_direct(300, 100, false);
	cut_direct(300, 1, false);
	cut_direct(check_short() ? 900 : ARENA_PAGES + 900, 400, false);
	cut_direct(300, 299, false);
}

static void test_cut_direct_fails(void)
{
	cut_direct(300, 100, true);
}

static void test_extend(void)
{
	struct span *s = large(100), *wall;

	heap_cut(s, 10);
	fill(s, 2);
	CU_ASSERT(heap_extend(s, 40)); /* a part of the run behind it */
	CU_ASSERT(s->npages == 40 && holds(s, 10, 2));
	check_map(s);
	wall = large(60);
	CU_ASSERT_EQUAL(wall->start, s->start + (40 << PAGE_SHIFT_));
	CU_ASSERT_FALSE(heap_extend(s, 41));
	heap_cut(wall, 50);
	CU_ASSERT_FALSE(heap_extend(s, 41)); /* what is free is not behind it */
	heap_free(wall, 0);
	CU_ASSERT_FALSE(heap_extend(s, ARENA_PAGES + 1));
	CU_ASSERT(heap_extend(s, 100));
	fill(s, 3);
	check_map(s);
	heap_free(s, 0);
	CU_ASSERT_EQUAL(heap_check(), 0);
}

/* A run is taken whole: its descriptor goes, and nothing is left behind it. */
static void test_extend_all(void)
{
	struct span *s = large(4), *hole = large(4), *wall = large(4);

	CU_ASSERT_EQUAL_FATAL(hole->start, s->start + (4 << PAGE_SHIFT_));
	heap_free(hole, 0);
	CU_ASSERT_FALSE(heap_extend(s, 9));
	CU_ASSERT(heap_extend(s, 8));
	check_map(s);
	check_map(wall);
	heap_free(s, 0);
	heap_free(wall, 0);
	CU_ASSERT_EQUAL(heap_check(), 0);
}

static void test_move(void)
{
	struct span *s = heap_alloc_direct(300), *to;
	size_t most = check_short() ? 1000 : 9000; /* over an arena's pages */

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	fill(s, 4);
	for (size_t n = 400; n < most; n = n * 5 / 4) {
		uint32_t old = s->npages;
		uintptr_t was = s->start;

		to = heap_move(s, n);
		CU_ASSERT_PTR_NOT_NULL_FATAL(to);
		CU_ASSERT(to->npages >= n && to->start != was);
		CU_ASSERT(holds(to, old, 4));
		CU_ASSERT_PTR_NULL(span_of((void *)was));
		check_map(to);
		fill(to, 4);
		s = to;
	}
	heap_free(s, 0);
	CU_ASSERT_EQUAL(heap_check(), 0);
	s = large(100); /* its mapping is not its own */
	CU_ASSERT_PTR_NULL(heap_move(s, 200));
	heap_free(s, 0);
}

/* Each call that a move needs fails: the span is where it was, and whole. */
static void test_move_fails(void)
{
	static const enum os_call call[] = { OS_RESERVE, OS_MOVE };
	struct span *s = heap_alloc_direct(300), *to;
	unsigned long fired = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	fill(s, 5);
	for (int i = 0; i < 2; i++) {
		os_fault_arm(1u << call[i], 1, true);
		CU_ASSERT_PTR_NULL(heap_move(s, 600));
		fired += check_fired(i ? "mremap" : "mmap");
		CU_ASSERT(holds(s, s->npages, 5));
		check_map(s);
	}
	CU_ASSERT_EQUAL(fired, 2);
	to = heap_move(s, 600);
	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	CU_ASSERT(holds(to, 300, 5));
	heap_free(to, 0);
	CU_ASSERT_EQUAL(heap_check(), 0);
}

static void test_extend_fails(void)
{
	struct span *s = large(10);

	os_fault_arm(1u << OS_COMMIT, 1, true);
	CU_ASSERT_FALSE(heap_extend(s, 4000));
	CU_ASSERT(check_fired("mprotect") > 0);
	check_map(s);
	CU_ASSERT(heap_extend(s, 4000));
	check_map(s);
	heap_free(s, 0);
}

static const CU_TestInfo tests[] = {
	{ "an extension that cannot be had", test_extend_fails },
	{ "the tail of a span goes", test_cut },
	{ "the tail of a mapping of its own", test_cut_direct },
	{ "which the system will not unmap", test_cut_direct_fails },
	{ "a span takes what is behind it", test_extend },
	{ "all that is behind it", test_extend_all },
	{ "a mapping of its own moves", test_move },
	{ "a move that fails", test_move_fails },
	CU_TEST_INFO_NULL
};

int main(void)
{
	heap_init();
	return check_main("heap, resized", tests);
}
