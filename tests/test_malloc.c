/* SPDX-License-Identifier: MIT */
/*
 * tests/test_malloc.c - libpercu-malloc.so keeps what malloc promises
 *
 * The laws are those of C, POSIX and glibc's manual.  Whatever the functions
 * return is written to, to its last usable byte, and read again when others
 * have been written.
 */
#include "tests/mallocs.h"

/* No header has them. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *ptr);
void free_sized(void *ptr, size_t size);
void free_aligned_sized(void *ptr, size_t align, size_t size);
void cfree(void *ptr);

/* Not for the compiler to know. */
static volatile size_t huge = SIZE_MAX, zero, odd = 33;

static const size_t sizes[] = { 0,       1,     7,     8,        9,
				15,      16,    17,    24,       25,
				100,     1000,  1024,  1025,     4096,
				5000,    8192,  32767, 32768,    32769,
				65536,   65537, 99999, 1u << 20, (1u << 21) + 1,
				5u << 20 };

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

static void test_blocks(void)
{
	enum {
		N = 4000
	};
	static void *p[N + LENGTH(sizes)];
	size_t n = 0;

	for (; n < N; n++)
		p[n] = malloc(n);
	for (size_t i = 0; i < LENGTH(sizes); i++)
		p[n++] = malloc(sizes[i]);
	for (size_t i = 0; i < n; i++) {
		size_t size = i < N ? i : sizes[i - N];

		CU_ASSERT_PTR_NOT_NULL_FATAL(p[i]);
		CU_ASSERT_EQUAL((uintptr_t)p[i] % 16, 0);
		CU_ASSERT(malloc_usable_size(p[i]) >= size);
		block_fill(p[i], malloc_usable_size(p[i]), (unsigned int)i);
	}
	for (size_t i = 0; i < n; i++) {
		CU_ASSERT(block_whole(p[i], malloc_usable_size(p[i]),
				      (unsigned int)i));
		free(p[i]);
	}
	CU_ASSERT_EQUAL(malloc_usable_size(NULL), 0);
}

static void test_nothing(void)
{
	void *p[8] = { malloc(0),       malloc(0),           calloc(0, 0),
		       calloc(0, 9),    calloc(9, 0),        realloc(NULL, 0),
		       memalign(64, 0), aligned_alloc(16, 0) };

	for (size_t i = 0; i < 8; i++)
		for (size_t k = 0; k <= i; k++)
			CU_ASSERT(p[i] && (i == k || p[i] != p[k]));
	for (size_t i = 0; i < 8; i++)
		free(p[i]);
	errno = 0;
	CU_ASSERT_PTR_NULL(realloc(malloc(100), 0));
	CU_ASSERT_PTR_NULL(realloc(malloc(100000), 0));
	CU_ASSERT_EQUAL(errno, 0);
	free(NULL);
}

#define FAILS(expr)                             \
	do {                                    \
		errno = 0;                      \
		CU_ASSERT_PTR_NULL(expr);       \
		CU_ASSERT_EQUAL(errno, ENOMEM); \
	} while (0)

static void test_too_much(void)
{
	size_t half = huge / 2; /* PTRDIFF_MAX */
	char *p = malloc(100), *q = malloc(100000);
	void *out = p;

	block_fill(p, 100, 1);
	block_fill(q, 100000, 2);
	for (size_t i = 0; i < 40; i++) {
		FAILS(malloc(huge - i * 1000));
		FAILS(malloc(half + 1 - i * 1000));
		FAILS(realloc(p, huge - i * 1000));
		FAILS(realloc(q, half + 1 - i * 1000));
		FAILS(memalign(4096, half - i * 1000));
		FAILS(calloc(1, huge - i * 1000));
	}
	/* An eighth more is little more than nothing. */
	FAILS(realloc(q, huge / 9 * 8 + 9));
	FAILS(calloc(half, 3));
	FAILS(calloc(huge / 16, 17));
	FAILS(calloc(huge, huge));
	FAILS(reallocarray(p, huge / 16, 17));
	FAILS(reallocarray(q, half, 3));
	FAILS(valloc(huge));
	FAILS(pvalloc(huge));
	FAILS(pvalloc(huge - 4095));
	FAILS(aligned_alloc(64, huge - 63));
	errno = 7;
	CU_ASSERT_EQUAL(posix_memalign(&out, 64, huge - 63), ENOMEM);
	CU_ASSERT(errno == 7 && out == p);
	CU_ASSERT(block_whole(p, 100, 1) && block_whole(q, 100000, 2));
	free(p);
	free(q);
}

static void check_aligned(void *ptr, size_t align, size_t size)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(ptr);
	CU_ASSERT_EQUAL((uintptr_t)ptr & (align - 1), 0);
	CU_ASSERT(malloc_usable_size(ptr) >= size);
	memset(ptr, 1, size);
	free_aligned_sized(ptr, align, size);
}

static void test_aligned(void)
{
	void *ptr = NULL, *was;

	for (size_t align = 1; align <= (size_t)256 << 20; align *= 2)
		for (size_t i = 0; i < LENGTH(sizes); i++) {
			check_aligned(memalign(align, sizes[i]), align,
				      sizes[i]);
			check_aligned(aligned_alloc(align, sizes[i]), align,
				      sizes[i]);
			if (align % sizeof(void *))
				continue;
			CU_ASSERT_EQUAL(posix_memalign(&ptr, align, sizes[i]),
					0);
			check_aligned(ptr, align, sizes[i]);
		}
	was = ptr;
	errno = 7;
	for (size_t align = 0; align < 100; align++)
		if (align % sizeof(void *) || (align & (align - 1)) || !align)
			CU_ASSERT_EQUAL(posix_memalign(&ptr, align, 8), EINVAL);
	CU_ASSERT(ptr == was && errno == 7);
	CU_ASSERT(!aligned_alloc(zero, 8) && errno == EINVAL);
	CU_ASSERT(!aligned_alloc(odd + 15, 8) && errno == EINVAL);
	CU_ASSERT(!memalign(huge, 8) && errno == EINVAL);
	check_aligned(memalign(odd, 10), 64, 10); /* the next power of two */
	check_aligned(memalign(zero, 10), 16, 10);
	check_aligned(valloc(10), 4096, 10);
	check_aligned(pvalloc(10), 4096, 4096);
	check_aligned(pvalloc(0), 4096, 4096);
	check_aligned(pvalloc(4097), 4096, 8192);
}

static void test_zeroed(void)
{
	for (size_t i = 0; i < LENGTH(sizes); i++)
		for (int round = 0; round < 100; round++) {
			size_t n = sizes[i];
			unsigned char *p = calloc(n, 1), any = 0;

			CU_ASSERT_PTR_NOT_NULL_FATAL(p);
			for (size_t k = 0; k < n; k++)
				any |= p[k];
			CU_ASSERT_EQUAL(any, 0);
			memset(p, 0xff, malloc_usable_size(p));
			free(p);
			if (n > 65536 && round > 2)
				break;
		}
}

/* Every size to every other. */
static void test_realloc(void)
{
	for (size_t i = 0; i < LENGTH(sizes); i++)
		for (size_t k = 0; k < LENGTH(sizes); k++) {
			size_t from = sizes[i], to = sizes[k] + !sizes[k];
			size_t least = from < to ? from : to;
			char *p = malloc(from), *q;

			block_fill(p, from, 3);
			q = realloc(p, to);
			CU_ASSERT_PTR_NOT_NULL_FATAL(q);
			CU_ASSERT((uintptr_t)q % 16 == 0);
			CU_ASSERT(malloc_usable_size(q) >= to);
			CU_ASSERT(block_is(q, least, 3));
			block_fill(q, malloc_usable_size(q), 4);
			free_sized(q, to);
		}
}

static void grow(size_t from, size_t to, size_t step, unsigned int factor)
{
	char *p = malloc(from);

	for (size_t size = from; size < to;) {
		size_t next = size * factor / 2 + step;

		memset(p, (int)(size % 127), size);
		p = realloc(p, next);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT(p[0] == (char)(size % 127));
		CU_ASSERT(p[size - 1] == (char)(size % 127));
		CU_ASSERT(!memcmp(p, p + 1, size - 1));
		memset(p + size, 1, next - size);
		size = next;
	}
	free(p);
}

/* A block of 256 MiB that grows is not copied: it is not even touched. */
static void test_growth(void)
{
	size_t mib = 1u << 20, before;
	char *p;

	grow(1, 20 * mib, 1, 3);
	grow(40000, 4 * mib, 100001, 2);
	p = malloc(256 * mib);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	p[0] = 1;
	p[256 * mib - 1] = 2;
	before = resident();
	for (size_t n = 257; n < 300; n++) {
		p = realloc(p, n * mib);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT(p[0] == 1 && p[256 * mib - 1] == 2);
		p[n * mib - 1] = 3;
	}
	CU_ASSERT(resident() < before + 4 * mib);
	free(p);
}

/* What a large block does not need any more goes at once. */
static void test_shrink(void)
{
	size_t mib = 1u << 20, before;
	char *p = malloc(40 * mib), *q;

	block_fill(p, 40 * mib, 5);
	q = realloc(p, 50000);
	CU_ASSERT_PTR_EQUAL(p, q);
	CU_ASSERT(malloc_usable_size(q) < 60000);
	CU_ASSERT(block_is(q, 50000, 5));
	CU_ASSERT_PTR_EQUAL(realloc(q, mib), q); /* and comes back */
	CU_ASSERT(block_is(q, 50000, 5));
	CU_ASSERT_PTR_EQUAL(realloc(q, 50000), q);
	p = malloc(39 * mib); /* where the rest was */
	CU_ASSERT((uintptr_t)p > (uintptr_t)q);
	CU_ASSERT((uintptr_t)p < (uintptr_t)q + 40 * mib);
	memset(p, 6, 39 * mib);
	CU_ASSERT(block_is(q, 50000, 5));
	free(p);
	p = malloc(100 * mib); /* has a mapping of its own */
	before = resident();
	memset(p, 7, 100 * mib);
	CU_ASSERT_PTR_EQUAL(realloc(p, mib), p);
	CU_ASSERT(malloc_usable_size(p) < mib + mib / 8);
	CU_ASSERT(resident() < before + 4 * mib);
	q = realloc(q, 10); /* of a class again */
	CU_ASSERT(block_is(q, 10, 5));
	free(q);
	free(p);
}

static void test_errno(void)
{
	static void *p[20000];

	for (size_t i = 0; i < LENGTH(sizes); i++) {
		size_t n = sizes[i] > 65537 ? 8 : 2000;

		for (size_t k = 0; k < n; k++)
			p[k] = malloc(sizes[i]);
		errno = 4242;
		for (size_t k = 0; k < n; k++)
			free(p[k]);
		free(NULL);
		CU_ASSERT_EQUAL(errno, 4242);
	}
}

static void test_names(void)
{
	free(__libc_malloc(10));
	__libc_free(malloc(10));
	free(__libc_calloc(10, 10));
	free(__libc_realloc(malloc(10), 100000));
	cfree(__libc_memalign(256, 10));
	free_sized(strdup("strdup"), 7);
	free_sized(NULL, 7);
	free_aligned_sized(NULL, 64, 7);
}

static const CU_TestInfo tests[] = {
	{ "blocks are aligned, large enough and apart", test_blocks },
	{ "no bytes are a block too", test_nothing },
	{ "too much is ENOMEM and changes nothing", test_too_much },
	{ "alignments", test_aligned },
	{ "calloc clears", test_zeroed },
	{ "realloc from every size to every other", test_realloc },
	{ "blocks grow, large ones without a copy", test_growth },
	{ "large blocks shrink in place", test_shrink },
	{ "free keeps errno", test_errno },
	{ "other names", test_names },
	CU_TEST_INFO_NULL
};

int main(void)
{
	mallocs_valgrind();
	return check_main("malloc", tests);
}
