/* SPDX-License-Identifier: MIT */
/*
 * tests/test_heap_age.c - idle pages go back to the system, in time and not before
 *
 * Each test begins with a heap that is released as a whole.
 */
#include "tests/heap.h"

static bool in_memory(uintptr_t start, size_t pages)
{
	unsigned char vec[1024];
	size_t n = pages * PAGE_SIZE_ / os_page_size();

	CU_ASSERT_TRUE_FATAL(n <= sizeof(vec));
	CU_ASSERT_EQUAL_FATAL(mincore((void *)start, pages * PAGE_SIZE_, vec),
			      0);
	for (size_t i = 0; i < n; i++)
		if (vec[i] & 1)
			return true;
	return false;
}

/* A span whose pages were all written to. */
static struct span *touched(size_t pages)
{
	struct span *s = heap_alloc(pages, 1, SPAN_LARGE, 0, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	memset((void *)s->start, 0x5a, pages * PAGE_SIZE_);
	return s;
}

static void age_survives_one(void)
{
	uint64_t idle_since[] = { heap_cycle(), heap_cycle() - 1, 0 };
	struct span *s;
	uintptr_t start;

	heap_age(true);
	for (int i = 0; i < 3; i++) {
		s = touched(50);
		start = s->start;
		idle_since[0] = heap_cycle();
		idle_since[1] = heap_cycle() - 1;
		heap_free(s, idle_since[i]);
		CU_ASSERT_TRUE(in_memory(start, 50));
		if (i == 0) {
			CU_ASSERT_EQUAL(heap_age(false), 0);
			CU_ASSERT_TRUE(in_memory(start, 50));
		}
		CU_ASSERT_EQUAL(heap_age(false), 50 * PAGE_SIZE_);
		CU_ASSERT_FALSE(in_memory(start, 50));
		CU_ASSERT_EQUAL(heap_age(false), 0);
		CU_ASSERT_EQUAL(stats().released, stats().idle);
		CU_ASSERT_EQUAL(heap_check(), 0);
	}
}

static void age_all_at_once(void)
{
	struct span *s;
	bool zero = false;

	heap_age(true);
	heap_free(touched(50), heap_cycle());
	CU_ASSERT_EQUAL(stats().idle - stats().released, 50 * PAGE_SIZE_);
	CU_ASSERT_EQUAL(heap_age(true), 50 * PAGE_SIZE_);
	CU_ASSERT_EQUAL(stats().released, stats().idle);
	s = heap_alloc(50, 1, SPAN_LARGE, 0, &zero);
	CU_ASSERT_TRUE(zero);
	CU_ASSERT_TRUE(is_zero(s, 50));
	heap_free(s, 0);
	s = heap_alloc(50, 1, SPAN_LARGE, 0, &zero);
	CU_ASSERT_FALSE(zero);
	heap_free(s, 0);
}

/* One old page between two young ones goes, though they are one run. */
static void age_by_page(void)
{
	struct span *s[3];
	uintptr_t at[3];

	heap_age(true);
	for (int i = 0; i < 3; i++) {
		s[i] = touched(8);
		at[i] = s[i]->start;
	}
	heap_free(s[1], heap_cycle());
	CU_ASSERT_EQUAL(heap_age(false), 0);
	heap_free(s[0], heap_cycle());
	heap_free(s[2], heap_cycle());
	CU_ASSERT_EQUAL(heap_age(false), 8 * PAGE_SIZE_);
	CU_ASSERT_FALSE(in_memory(at[1], 8));
	CU_ASSERT_TRUE(in_memory(at[0], 8));
	CU_ASSERT_TRUE(in_memory(at[2], 8));
	CU_ASSERT_EQUAL(heap_age(false), 16 * PAGE_SIZE_);
	CU_ASSERT_EQUAL(heap_check(), 0);
}

/* What the next cycle would release goes; what is young stays as young. */
static void release_is_no_cycle(void)
{
	uint64_t cycle;

	heap_age(true);
	cycle = heap_cycle();
	heap_free(touched(8), cycle);
	CU_ASSERT_EQUAL(heap_release(), 0);
	CU_ASSERT_EQUAL(heap_release(), 0);
	CU_ASSERT_EQUAL(heap_cycle(), cycle);
	CU_ASSERT_EQUAL(heap_age(false), 0);
	CU_ASSERT_EQUAL(heap_release(), 8 * PAGE_SIZE_);
	CU_ASSERT_EQUAL(heap_check(), 0);
}

/* Taken in time, and freed again: young again. */
static void age_used_again(void)
{
	uintptr_t at;
	struct span *s;

	heap_age(true);
	s = touched(8);
	at = s->start;
	heap_free(s, heap_cycle());
	heap_age(false);
	s = touched(8);
	CU_ASSERT_EQUAL(s->start, at);
	CU_ASSERT_EQUAL(heap_age(false), 0);
	heap_free(s, heap_cycle());
	CU_ASSERT_EQUAL(heap_age(false), 0);
	CU_ASSERT_EQUAL(heap_age(false), 8 * PAGE_SIZE_);
}

/* What a cycle marked, and was used before it came there, is young again. */
static void age_outrun(void)
{
	struct span *s;

	heap_age(true);
	s = touched(8);
	pages_set(s->start, 8, PAGE_DUE);
	heap_free(s, heap_cycle());
	CU_ASSERT_EQUAL(heap_age(false), 0);
	CU_ASSERT_EQUAL(heap_age(false), 8 * PAGE_SIZE_);
}

/* The system keeps the pages: they stay, and the next cycle tries again. */
static void age_refused(void)
{
	struct span *s;
	uintptr_t at;

	heap_age(true);
	s = touched(8);
	at = s->start;
	heap_free(s, 0);
	os_fault_arm(1u << OS_RELEASE, 1, true);
	CU_ASSERT_EQUAL(heap_age(false), 0);
	CU_ASSERT_EQUAL(check_fired("release"), 1);
	CU_ASSERT_TRUE(in_memory(at, 8));
	CU_ASSERT_EQUAL(heap_check(), 0);
	CU_ASSERT_EQUAL(heap_age(false), 8 * PAGE_SIZE_);
	CU_ASSERT_FALSE(in_memory(at, 8));
}

static const CU_TestInfo tests[] = {
	{ "idle pages survive one cycle and not two", age_survives_one },
	{ "all at once", age_all_at_once },
	{ "age is the page's, not the run's", age_by_page },
	{ "a release without a cycle", release_is_no_cycle },
	{ "pages used again are young again", age_used_again },
	{ "pages used while a cycle is under way", age_outrun },
	{ "a release that is refused", age_refused },
	CU_TEST_INFO_NULL
};

int main(void)
{
	heap_init();
	return check_main("heap age", tests);
}
