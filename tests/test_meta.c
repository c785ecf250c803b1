/* SPDX-License-Identifier: MIT */
/*
 * tests/test_meta.c - memory for percu's own records
 */
#include <stdlib.h>
#include <string.h>

#include "slab/meta.h"
#include "sys/os.h"
#include "tests/check.h"

#define KIB ((size_t)1 << 10)

static const size_t sizes[] = {
	1,   8,   63,   64,   65,    128,   129,   200,   256,
	257, 300, 1000, 4096, 20000, 32768, 32769, 77000, 300000,
};

enum {
	NR_SIZES = sizeof(sizes) / sizeof(sizes[0]),
	NR_PIECES = 200,
};

static bool all_bytes(const unsigned char *p, size_t size, unsigned char value)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] != value)
			return false;
	return true;
}

static void zeroed_aligned(void)
{
	for (int round = 0; round < 3; round++) {
		void *p[NR_SIZES];

		for (size_t i = 0; i < NR_SIZES; i++) {
			p[i] = meta_alloc(sizes[i]);
			CU_ASSERT_PTR_NOT_NULL_FATAL(p[i]);
			CU_ASSERT_EQUAL((uintptr_t)p[i] % 64, 0);
			CU_ASSERT_TRUE(all_bytes(p[i], sizes[i], 0));
			memset(p[i], 0xa5, sizes[i]);
		}
		for (size_t i = 0; i < NR_SIZES; i++)
			meta_free(p[i], sizes[i]);
	}
}

static void freed_is_used_again(void)
{
	for (size_t i = 0; i < NR_SIZES; i++) {
		void *p = meta_alloc(sizes[i]), *q;

		meta_free(p, sizes[i]);
		q = meta_alloc(sizes[i]);
		CU_ASSERT_PTR_EQUAL(p, q);
		meta_free(q, sizes[i]);
	}
	meta_free(NULL, 64);
}

/* Each piece holds what was written to it for as long as it is out. */
static void random_pieces(void)
{
	struct check_rand r = { check_seed() };
	unsigned char *p[NR_PIECES] = { NULL };
	size_t size[NR_PIECES] = { 0 };
	int steps = check_short() ? 2000 : 20000;

	for (int step = 0; step < steps; step++) {
		uint32_t i = check_rand_below(&r, NR_PIECES);
		unsigned char stamp = (unsigned char)(i + 1);

		if (p[i]) {
			CU_ASSERT_TRUE(all_bytes(p[i], size[i], stamp));
			meta_free(p[i], size[i]);
			p[i] = NULL;
			continue;
		}
		size[i] = 1 +
			  check_rand_below(&r, 1u << check_rand_below(&r, 17));
		p[i] = meta_alloc(size[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p[i]);
		memset(p[i], stamp, size[i]);
	}
	for (uint32_t i = 0; i < NR_PIECES; i++)
		if (p[i])
			meta_free(p[i], size[i]);
}

static void sys_is_counted(void)
{
	uint64_t before = meta_sys();
	void *p = meta_alloc(8192 * KIB);

	CU_ASSERT_PTR_NOT_NULL(p);
	CU_ASSERT_EQUAL(meta_sys(), before + 8192 * KIB);
	meta_account(4096);
	CU_ASSERT_EQUAL(meta_sys(), before + 8192 * KIB + 4096);
	meta_account(-4096);
	meta_free(p, 8192 * KIB);
	CU_ASSERT_EQUAL(meta_sys(), before + 8192 * KIB);
}

/* A size for which no piece is free and no region has room. */
static size_t new_size(void)
{
	static size_t size = 16384 * KIB;

	return size += 64 * KIB;
}

/* Refused once: less is mapped.  Refused for good: NULL, and all goes on. */
static void refused(void)
{
	size_t size = new_size();
	uint64_t before = meta_sys();
	void *p;

	os_fault_arm(1u << OS_MAP, 1, true);
	CU_ASSERT_PTR_NULL(meta_alloc(size));
	CU_ASSERT_EQUAL(check_fired("for good"), 1);
	CU_ASSERT_EQUAL(meta_sys(), before);
	p = meta_alloc(size);
	CU_ASSERT_PTR_NOT_NULL(p);
	meta_free(p, size);

	os_fault_arm(1u << OS_MAP, 1, false);
	do {
		p = meta_alloc(64 * KIB);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	} while (!os_fault_fired());
	CU_ASSERT_EQUAL(check_fired("once"), 1);
	CU_ASSERT_PTR_NULL(meta_alloc(SIZE_MAX));
	CU_ASSERT_PTR_NULL(meta_alloc(SIZE_MAX / 4));
}

static void piece_thread(unsigned int i, void *arg)
{
	struct check_rand r = { check_seed() + i };
	unsigned char *p[16] = { NULL };
	int steps = check_short() ? 2000 : 50000;

	for (int step = 0; step < steps; step++) {
		uint32_t k = check_rand_below(&r, 16);
		size_t size = 64 + 64 * k;

		if (p[k] && !all_bytes(p[k], size, (unsigned char)(i + 1)))
			__atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED);
		if (p[k])
			meta_free(p[k], size);
		p[k] = meta_alloc(size);
		if (p[k])
			memset(p[k], (int)(i + 1), size);
	}
	for (uint32_t k = 0; k < 16; k++)
		meta_free(p[k], 64 + 64 * k);
}

static void threads(void)
{
	int torn = 0;

	check_seed();
	check_threads(4, piece_thread, &torn);
	CU_ASSERT_EQUAL(torn, 0);
}

/* What a region has left when the next one is mapped is used all the same. */
static void regions_end(void)
{
	uint64_t mapped = meta_sys();
	uintptr_t first, next;
	void *p;

	/* All of a region but its last 8 KiB, where the first step is as large. */
	do {
		p = meta_alloc(4096 * KIB - 8 * KIB);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	} while (meta_sys() - mapped < 8192 * KIB);
	first = (uintptr_t)p + 4096 * KIB - 8 * KIB;
	CU_ASSERT_PTR_NOT_NULL_FATAL(meta_alloc(4096 * KIB - 16 * KIB));
	next = (uintptr_t)meta_alloc(8 * KIB);
	CU_ASSERT_EQUAL(next, first);
}

static const CU_TestInfo tests[] = {
	{ "zeroed and aligned, also when used again", zeroed_aligned },
	{ "what was freed is used again", freed_is_used_again },
	{ "pieces do not overlap", random_pieces },
	{ "what the system gave is counted", sys_is_counted },
	{ "the system refuses", refused },
	{ "the end of a region is used", regions_end },
	{ "threads", threads },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("meta", tests);
}
