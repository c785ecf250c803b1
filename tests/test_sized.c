/* SPDX-License-Identifier: MIT */
/*
 * tests/test_sized.c - large blocks that shrink, and are freed by their size
 *
 * Law: the size that a block was asked for last is the one that it is freed
 * with, wherever it lies and whether or not there was memory to shrink it; a
 * size that it was never asked for is misuse.  What it does not need any more
 * goes at once.
 *
 * Under tools every realloc copies to a block of just that size, and a large
 * mapping is slow: there only the small ones are tried.
 */
#include <string.h>

#include <percu/alloc.h>

#include "sys/tool.h"
#include "tests/check.h"
#include "tests/conserve.h"
#include "tests/records.h"

enum {
	KIB = 1 << 10,
	MIB_ = 1 << 20,
};

static const struct {
	size_t first, most, last; /* most: it grows to this by realloc, or 0 */
} lives[] = {
	{ 70 * MIB_, 0, MIB_ },         /* a mapping of its own */
	{ 70 * MIB_, 0, 40 * KIB },     /* less than it is rounded to */
	{ 70 * MIB_, 80 * MIB_, MIB_ }, /* moved before */
	{ MIB_, 70 * MIB_, MIB_ },      /* got one when it grew */
	{ MIB_, 70 * MIB_, 100 * KIB },
	{ 5 * MIB_, 0, MIB_ }, /* a run of an arena */
	{ 100 * KIB, 0, 33 * KIB },
};
#define NR_LIVES (sizeof(lives) / sizeof(*lives))

static bool is_tried(size_t i)
{
	return !tool_any() || (lives[i].first < 10 * MIB_ && !lives[i].most);
}

/* The block, as it was asked for before it shrinks. */
static char *grown(size_t i)
{
	char *p = percu_alloc(lives[i].first);

	if (p && lives[i].most)
		p = percu_realloc(p, lives[i].most);
	if (p) {
		p[0] = 1;
		p[lives[i].last - 1] = 2;
	}
	return p;
}

static bool is_whole(const char *p, size_t i)
{
	return p && p[0] == 1 && p[lives[i].last - 1] == 2;
}

static void shrinks(void)
{
	uint64_t alloc = memstats().alloc, inuse = memstats().heap_inuse;

	for (size_t i = 0; i < NR_LIVES; i++) {
		char *p;

		if (!is_tried(i))
			continue;
		p = percu_realloc(grown(i), lives[i].last);
		CU_ASSERT_FATAL(is_whole(p, i));
		CU_ASSERT(percu_usable_size(p) <= lives[i].last + 64 * KIB);
		CU_ASSERT(memstats().heap_inuse < inuse + 2 * MIB_);
		percu_free_sized(p, lives[i].last);
		CU_ASSERT_EQUAL(memstats().alloc, alloc);
	}
	CU_ASSERT(all_conserve());
}

/* And grows again, from where it had been cut. */
static void shrinks_and_grows(void)
{
	for (size_t i = 0; i < NR_LIVES; i++) {
		size_t size = lives[i].last;
		char *p;

		if (!is_tried(i))
			continue;
		p = percu_realloc(grown(i), size);
		for (int k = 0; k < 6 && p; k++) {
			size *= 2;
			p = percu_realloc(p, size);
			CU_ASSERT_FATAL(is_whole(p, i));
			p[size - 1] = 3;
		}
		percu_free_sized(p, size);
	}
	CU_ASSERT(all_conserve());
}

static void refused_child(void *arg)
{
	char *p[NR_LIVES];
	int stayed = 0;

	(void)arg;
	for (size_t i = 0; i < NR_LIVES; i++)
		child_must(p[i] = grown(i));
	eat_records();
	for (size_t i = 0; i < NR_LIVES; i++) {
		p[i] = percu_realloc(p[i], lives[i].last);
		child_must(is_whole(p[i], i));
		stayed += percu_usable_size(p[i]) >= 2 * lives[i].last;
	}
	child_must(stayed == 2); /* the others have mappings of their own */
	for (size_t i = 0; i < NR_LIVES; i++) /* which leave a record */
		percu_free_sized(p[i], lives[i].last);
	os_fault_disarm();
	child_must(all_conserve());
}

static void again_child(void *arg)
{
	char *p = percu_alloc(5 * MIB_);

	(void)arg;
	eat_records();
	p = percu_realloc(p, MIB_);
	child_must(p && percu_usable_size(p) == 5 * MIB_);
	p = percu_realloc(p, 4 * MIB_); /* stays */
	child_must(p);
	percu_free_sized(p, 4 * MIB_);
	os_fault_disarm();
	p = percu_realloc(percu_alloc(5 * MIB_), MIB_);
	child_must(p && percu_usable_size(p) == MIB_);
}

/* Without a descriptor for its tail a block stays, and is freed all the same. */
static void refused(void)
{
	char out[500];

	if (tool_any()) {
		check_skip("under tools a block that shrinks is copied");
		return;
	}
	CU_ASSERT(!check_fork(refused_child, NULL, out, sizeof(out)));
	CU_ASSERT_STRING_EQUAL(out, "");
	CU_ASSERT(!check_fork(again_child, NULL, out, sizeof(out)));
	CU_ASSERT_STRING_EQUAL(out, "");
}

static void wrong_child(void *arg)
{
	const size_t *size = arg;
	char *p = percu_alloc(5 * MIB_);

	if (size[0]) {
		eat_records();
		p = percu_realloc(p, size[0]);
	}
	percu_free_sized(p, size[1]);
}

/* It was to be small once, and has been cut since. */
static void wrong_later_child(void *arg)
{
	char *p = percu_alloc(5 * MIB_);

	(void)arg;
	eat_records();
	p = percu_realloc(p, 100 * KIB);
	os_fault_disarm();
	p = percu_realloc(p, 2 * MIB_);
	percu_free_sized(p, 100 * KIB);
}

/* Less than half of what it was to be, more than it has. */
static void wrong(void)
{
	size_t sizes[][2] = {
		{ 0, MIB_ },
		{ 0, 6 * MIB_ },
		{ MIB_, MIB_ / 3 },
		{ MIB_, 6 * MIB_ },
	};
	char out[500], want[80];

	if (tool_any()) {
		check_skip("under tools a block that shrinks is copied");
		return;
	}
	for (size_t i = 0; i < 4; i++) {
		CU_ASSERT(check_fork(wrong_child, sizes[i], out, sizeof(out)));
		snprintf(want, sizeof(want), "was freed as %zu bytes",
			 sizes[i][1]);
		CU_ASSERT_PTR_NOT_NULL(strstr(out, want));
	}
	CU_ASSERT(check_fork(wrong_later_child, NULL, out, sizeof(out)));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "was freed as 102400 bytes"));
}

static const CU_TestInfo tests[] = {
	{ "a block that shrinks gives back what it does not need", shrinks },
	{ "and can grow again", shrinks_and_grows },
	{ "it may be refused the memory to shrink", refused },
	{ "another size is misuse", wrong },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("sized", tests);
}
