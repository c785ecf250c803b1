/* SPDX-License-Identifier: MIT */
/*
 * tests/test_class.c - the size classes, how spans are cut, and the index of an
 * object in its span, each for every value that there is
 */
#include "slab/class.h"
#include "slab/span_cut.h"
#include "tests/check.h"

/* Laws are checked millions of times: one assertion for all of them. */
static unsigned long broken;

static void must(bool law)
{
	broken += !law;
}

static void all_held(void)
{
	CU_ASSERT_EQUAL(broken, 0);
	broken = 0;
}

/* The table */

static void class_ascending(void)
{
	CU_ASSERT_EQUAL(class_size[0], 8);
	CU_ASSERT_EQUAL(class_size[NR_CLASSES - 1], CLASS_MAX);
	for (unsigned int c = 1; c < NR_CLASSES; c++)
		must(class_size[c] > class_size[c - 1]);
	all_held();
}

static void class_least(void)
{
	CU_ASSERT_EQUAL(class_of(0), 0);
	for (size_t size = 1; size <= CLASS_MAX; size++) {
		unsigned int c = class_of(size);

		must(c < NR_CLASSES && class_size[c] >= size);
		must(!c || class_size[c - 1] < size);
	}
	all_held();
}

/* By requests, where the step is more than the granule of 16 bytes. */
static void class_rounding(void)
{
	for (size_t size = 257; size <= CLASS_MAX; size++) {
		size_t got = class_size[class_of(size)];

		must((got - size) * 8 <= got);
	}
	for (size_t size = 1; size <= 256; size++)
		must(class_size[class_of(size)] - size < 16);
	all_held();
}

static void class_aligned(void)
{
	for (unsigned int c = 1; c < NR_CLASSES; c++)
		must(class_size[c] % 16 == 0);
	all_held();
}

static void class_spans(void)
{
	for (unsigned int c = 0; c < NR_CLASSES; c++) {
		must(class_pages[c] == span_cut_pages(class_size[c]));
		must(class_pages[c] >= 1 && class_pages[c] <= 16);
	}
	all_held();
}

/* Cutting */

static bool cut_good(uint32_t size, uint32_t pages)
{
	uint32_t bytes = pages << PAGE_SHIFT_;

	return bytes / size >= span_cut_objects(size) &&
	       bytes % size * SPAN_TAIL_DIV <= bytes;
}

/* The cheapest number of pages of those that keep the bounds: there is one. */
static void cut_cheapest(void)
{
	for (uint32_t size = OBJ_MIN_SIZE; size <= OBJ_MAX_SIZE; size += 8) {
		uint32_t pages = span_cut_pages(size);

		must(pages <= SPAN_MAX_PAGES && cut_good(size, pages));
		for (uint32_t other = 1; other <= SPAN_MAX_PAGES; other++)
			must(!cut_good(size, other) ||
			     span_cut_cost(size, other) >=
				     span_cut_cost(size, pages));
	}
	all_held();
}

/*
 * offset * magic >> 40 grows with the offset: if it is right for the first and
 * the last byte of each object, it is for those between.
 */
static void index_exact(void)
{
	const uint32_t end = SPAN_MAX_PAGES << PAGE_SHIFT_;

	for (uint32_t size = OBJ_MIN_SIZE; size <= OBJ_MAX_SIZE; size++) {
		struct span s = {
			.size = size,
			.magic = span_magic(size),
			.start = (uintptr_t)1 << ARENA_SHIFT,
			.nobj = end / size,
		};

		for (uint32_t i = 0; i < s.nobj; i++) {
			uintptr_t p = s.start + (uintptr_t)i * size;

			must(span_index(&s, (void *)p) == i);
			must(span_index(&s, (void *)(p + size - 1)) == i);
			must(span_object(&s, (void *)p) == i);
			must(span_object(&s, (void *)(p + 1)) == UINT32_MAX);
		}
	}
	all_held();
}

/* What lies behind the last object is no object, nor is what lies elsewhere. */
static void index_outside(void)
{
	struct span s = {
		.size = 48,
		.magic = span_magic(48),
		.start = (uintptr_t)1 << ARENA_SHIFT,
		.nobj = PAGE_SIZE_ / 48,
	};
	uintptr_t end = s.start + (uintptr_t)s.nobj * s.size;

	CU_ASSERT_EQUAL(span_object(&s, (void *)(end - 48)), s.nobj - 1);
	CU_ASSERT_EQUAL(span_object(&s, (void *)end), UINT32_MAX);
	for (uintptr_t p = 0; p < s.start; p += 4096)
		must(span_object(&s, (void *)p) == UINT32_MAX);
	for (int bit = ARENA_SHIFT + 1; bit < 64; bit++) {
		must(span_object(&s, (void *)(s.start + (1ul << bit))) ==
		     UINT32_MAX);
		must(span_object(&s, (void *)(s.start - (1ul << bit))) ==
		     UINT32_MAX);
	}
	all_held();
}

static const CU_TestInfo tests[] = {
	{ "classes ascend from 8 bytes to 32 KiB", class_ascending },
	{ "each size has the least class that holds it", class_least },
	{ "rounding wastes at most an eighth", class_rounding },
	{ "all classes but the first are multiples of 16", class_aligned },
	{ "classes are cut by the rule for all spans", class_spans },
	{ "spans: the cheapest pages that lose at most 1/8", cut_cheapest },
	{ "the index is exact for each size and offset", index_exact },
	{ "no index for what is no object", index_outside },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("class", tests);
}
