/* SPDX-License-Identifier: MIT */
/*
 * tests/test_alloc.c - memory by size, and scopes
 *
 * Under Valgrind and ASan a block is exactly as large as was asked for, and a
 * realloc always moves it, so that these tools see every overrun; the laws
 * that this changes say so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/alloc.h>
#include <percu/cleanup.h>

#include "slab/class.h"
#include "sys/os.h"
#include "sys/tool.h"
#include "tests/check.h"
#include "tests/pools.h"

static uint64_t seed; /* of all threads; set before there are any */

enum {
	LARGE = CLASS_MAX,
	ALIGN_MAX_ = 32 << 20
};

/* Not for the compiler to see through. */
static volatile size_t unknown_zero;
#define HIDE(n) ((n) + unknown_zero)

/* Sizes worth trying: every small one, the border of each class, some large. */
static size_t next_size(size_t size)
{
	unsigned int c;

	if (size < (check_short() ? 130 : 1100))
		return size + 1;
	if (size < LARGE) {
		c = class_of(size);
		if (size < class_size[c] - 1)
			return class_size[c] - 1;
		return size + 1;
	}
	if (size == LARGE)
		return LARGE + 1;
	if (size % 8192 == 8191 || size % 8192 == 0)
		return size + 1;
	return size + 8190 - size % 8192 + (size < 100000 ? 1 : 200000);
}

#define for_each_size(size, max) \
	for (size_t size = 0; size <= (max); size = next_size(size))

/* Sizes. -------------------------------------------------------------------- */

/* Law: what is had of a size; and that it is not much more. */
static bool size_holds(size_t size)
{
	size_t good = percu_good_size(size), usable;
	char *p = percu_alloc(HIDE(size));
	bool ok = p != NULL;

	if (!ok)
		return false;
	usable = percu_usable_size(p);
	ok = usable >= size && usable == good &&
	     (uintptr_t)p % (size <= 8 ? 8 : 16) == 0;
	/* Eight classes a doubling, steps of 16 below 256; pages above. */
	if (size > 8 && size <= LARGE)
		ok &= good - size < 16 || (good - size) * 8 < good;
	else if (size > LARGE)
		ok &= good - size < 8192;
	if (tool_redzone())
		ok &= good == size;
	else
		ok &= percu_good_size(good) == good;
	/* All of it may be used. */
	fill_bytes(p, usable, 7);
	ok &= bytes_hold(p, usable, 7);
	errno = EDOM;
	percu_free(p);
	if (!ok || errno != EDOM)
		printf("\n    size %zu: good %zu, usable %zu\n", size, good,
		       usable);
	return ok && errno == EDOM;
}

static void sizes(void)
{
	for_each_size(size, check_short() ? 1 << 17 : 1 << 20)
		CU_ASSERT(size_holds(size));
	if (!check_short())
		CU_ASSERT(size_holds(70 << 20));
	ASSERT_POOLS_HOLD(0);
}

/* Law: blocks of one size do not overlap, size 0 included. */
static void apart(void)
{
	static const size_t size[] = { 0, 1, 8, 100, 4096, 32768, 32769 };
	unsigned char *b[200];

	for (size_t i = 0; i < sizeof(size) / sizeof(*size); i++) {
		unsigned long bad = 0;

		for (uint32_t k = 0; k < 200; k++) {
			b[k] = percu_alloc(size[i]);
			bad += !b[k];
			fill_bytes(b[k], percu_usable_size(b[k]), k);
			for (uint32_t j = 0; j < k; j++)
				bad += b[j] == b[k];
		}
		for (uint32_t k = 0; k < 200; k++)
			bad += !bytes_hold(b[k], percu_usable_size(b[k]), k);
		for (uint32_t k = 0; k < 200; k++)
			percu_free(b[k]);
		CU_ASSERT_EQUAL(bad, 0);
	}
	ASSERT_POOLS_HOLD(0);
}

/* Law: NULL is freed without ado, and has no size. */
static void null_is_nothing(void)
{
	errno = EDOM;
	percu_free(NULL);
	percu_free_sized(NULL, 10);
	percu_free_sized(NULL, 100000);
	CU_ASSERT_EQUAL(percu_usable_size(NULL), 0);
	CU_ASSERT_EQUAL(errno, EDOM);
	ASSERT_POOLS_HOLD(0);
}

/* Law: what cannot be is ENOMEM, from every function, and good for nothing. */
static void too_much(void)
{
	static const size_t size[] = {
		SIZE_MAX,        SIZE_MAX - 15,           SIZE_MAX - 16,
		SIZE_MAX - 8192, (size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX,
		(size_t)1 << 62, (size_t)1 << 48,         ((size_t)1 << 46) + 1,
	};
	void *p = percu_alloc(100);

	fill_bytes(p, 100, 3);
	for (size_t i = 0; i < sizeof(size) / sizeof(*size); i++) {
		size_t n = HIDE(size[i]);

		errno = 0;
		CU_ASSERT_PTR_NULL(percu_alloc(n));
		CU_ASSERT_EQUAL(errno, ENOMEM);
		errno = 0;
		CU_ASSERT_PTR_NULL(percu_zalloc(n));
		CU_ASSERT_EQUAL(errno, ENOMEM);
		for (size_t align = 1; align <= ALIGN_MAX_; align *= 32) {
			errno = 0;
			CU_ASSERT_PTR_NULL(percu_alloc_aligned(HIDE(align), n));
			CU_ASSERT_EQUAL(errno, ENOMEM);
		}
		errno = 0;
		CU_ASSERT_PTR_NULL(percu_realloc(p, n));
		CU_ASSERT_EQUAL(errno, ENOMEM);
		CU_ASSERT_EQUAL(percu_good_size(n), 0);
	}
	CU_ASSERT(bytes_hold(p, 100, 3));
	percu_free(p);
	/* There is room for this, and no memory; one of the two will do. */
	p = percu_alloc(HIDE((size_t)1 << 46));
	percu_free(p);
	ASSERT_POOLS_HOLD(0);
}

/* Sized free. ----------------------------------------------------------------- */

/* Law: the size that was last asked for names the block's class. */
static void sized(void)
{
	void *p;

	errno = EDOM;
	for_each_size(size, 1 << 18)
	{
		percu_free_sized(percu_alloc(HIDE(size)), size);
		percu_free_sized(percu_zalloc(HIDE(size)), size);
		p = percu_realloc(percu_alloc(HIDE(size / 2 + 1)), HIDE(size));
		percu_free_sized(p, size);
		p = percu_realloc(percu_alloc(HIDE(size + size / 3)),
				  HIDE(size));
		percu_free_sized(p, size);
	}
	CU_ASSERT_EQUAL(errno, EDOM);
	/* Into the depot and the slab, where a wrong class would be found. */
	percu_age();
	percu_age();
	ASSERT_POOLS_HOLD(0);
}

/* Zeroes. ----------------------------------------------------------------------- */

/* Law: zero, fresh from the system or full of what another left there. */
static void zeroes(void)
{
	size_t max = check_short() ? 40000 : 400000;
	unsigned long bad = 0;
	char *b[8];

	for (int round = 0; round < 3; round++) {
		for_each_size(size, max)
		{
			for (int k = 0; k < 8; k++) {
				b[k] = percu_zalloc(HIDE(size));
				bad += !b[k] || !bytes_zero(b[k], size);
				memset(b[k], 0xa5, percu_usable_size(b[k]));
			}
			for (int k = 0; k < 8; k++)
				percu_free(b[k]);
		}
		if (round == 1) {
			percu_age();
			percu_age();
			percu_age();
		}
	}
	CU_ASSERT_EQUAL(bad, 0);
	/* One of its own mapping.  Reading all of it takes tools seconds. */
	b[0] = percu_zalloc(HIDE(80 << 20));
	CU_ASSERT_PTR_NOT_NULL_FATAL(b[0]);
	CU_ASSERT(bytes_zero(b[0], check_short() ? 1 << 20 : 80 << 20));
	percu_free(b[0]);
	ASSERT_POOLS_HOLD(0);
}

/* Alignment. ---------------------------------------------------------------------- */

static bool aligned_holds(size_t align, size_t size)
{
	unsigned char *p = percu_alloc_aligned(HIDE(align), HIDE(size)), *q;
	bool ok = p && (uintptr_t)p % align == 0 &&
		  percu_usable_size(p) >= size;

	if (!p)
		return false;
	/* Its ends are enough of a block of megabytes. */
	fill_bytes(p, size < 4096 ? size : 4096, 1);
	if (size > 4096)
		fill_bytes(p + size - 4096, 4096, 2);
	q = percu_alloc_aligned(HIDE(align), HIDE(size));
	ok &= q && q != p && (uintptr_t)q % align == 0;
	percu_free(q);
	if (size > 8192)
		ok &= bytes_hold(p, 4096, 1) &&
		      bytes_hold(p + size - 4096, 4096, 2);
	errno = EDOM;
	percu_free(p);
	ok &= errno == EDOM;
	if (!ok)
		printf("\n    align %zu, size %zu\n", align, size);
	return ok;
}

static void aligned(void)
{
	struct check_rand r = { check_seed() };
	int n = check_short() ? 2 : 20;

	for (size_t align = 1; align <= ALIGN_MAX_; align *= 2) {
		CU_ASSERT(aligned_holds(align, 0));
		CU_ASSERT(aligned_holds(align, 1));
		CU_ASSERT(aligned_holds(align, align - 1));
		CU_ASSERT(aligned_holds(align, align));
		CU_ASSERT(aligned_holds(align, align + 1));
		CU_ASSERT(aligned_holds(align, 3 * align + 5));
		for (int i = 0; i < n; i++)
			CU_ASSERT(aligned_holds(align,
						check_rand_below(&r, 200000)));
	}
	CU_ASSERT(aligned_holds(ALIGN_MAX_, 100 << 20));
	ASSERT_POOLS_HOLD(0);
}

/* Law: EINVAL for what is no power of two, or too large. */
static void aligned_wrong(void)
{
	static const size_t align[] = {
		0,
		3,
		5,
		6,
		12,
		24,
		100,
		4095,
		4097,
		ALIGN_MAX_ - 1,
		ALIGN_MAX_ + 1,
		2 * (size_t)ALIGN_MAX_,
		(size_t)1 << 40,
		(size_t)1 << 63,
		SIZE_MAX,
	};

	for (size_t i = 0; i < sizeof(align) / sizeof(*align); i++) {
		errno = 0;
		CU_ASSERT_PTR_NULL(percu_alloc_aligned(HIDE(align[i]), 64));
		CU_ASSERT_EQUAL(errno, EINVAL);
	}
	ASSERT_POOLS_HOLD(0);
}

/* Realloc. ------------------------------------------------------------------------- */

/* Laws: the first min(old, new) bytes are kept; where it stays and moves. */
static bool realloc_holds(size_t from, size_t to)
{
	void *p = percu_alloc(HIDE(from)), *q;
	size_t had, common = from < to ? from : to;
	uintptr_t was = (uintptr_t)p;
	bool ok, stayed;

	if (!p)
		return false;
	had = percu_usable_size(p);
	fill_bytes(p, from, 9);
	q = percu_realloc(p, HIDE(to));
	if (!q)
		return false;
	stayed = (uintptr_t)q == was;
	ok = bytes_hold(q, common, 9) && percu_usable_size(q) >= to &&
	     (uintptr_t)q % (to <= 8 ? 8 : 16) == 0;
	if (!tool_redzone()) {
		if (had <= LARGE && to <= LARGE)
			ok &= stayed == (percu_good_size(to) == had);
		else if (had <= LARGE || to <= LARGE)
			ok &= !stayed;
		else if (to <= had)
			ok &= tool_any() ||
			      (stayed &&
			       percu_usable_size(q) / 2 <= percu_good_size(to));
		/* Else it depends on what lies behind it. */
	}
	fill_bytes(q, to, 4);
	ok &= bytes_hold(q, to, 4);
	percu_free(q);
	if (!ok)
		printf("\n    from %zu to %zu: %s\n", from, to,
		       stayed ? "stayed" : "moved");
	return ok;
}

static void reallocs(void)
{
	struct check_rand r = { check_seed() };
	int n = check_short() ? 300 : 5000;
	void *p;

	for (size_t from = 0; from < 300; from += 7)
		for (size_t to = 0; to < 300; to += check_short() ? 41 : 3)
			CU_ASSERT(realloc_holds(from, to));
	for (int i = 0; i < n; i++)
		CU_ASSERT(realloc_holds(
			check_rand_below(&r, 1u << check_rand_below(&r, 20)),
			check_rand_below(&r, 1u << check_rand_below(&r, 20))));
	p = percu_alloc(100000);
	CU_ASSERT_PTR_NULL(percu_realloc(p, HIDE(SIZE_MAX / 9 * 8 + 9)));
	percu_free(p);
	CU_ASSERT(realloc_holds(65536, 32769));
	CU_ASSERT(realloc_holds(65536, 32768));
	CU_ASSERT(realloc_holds(10, check_short() ? 1 << 20 : 20 << 20));
	CU_ASSERT(realloc_holds(check_short() ? 1 << 20 : 20 << 20, 10));
	p = percu_realloc(NULL, 40);
	CU_ASSERT_PTR_NOT_NULL(p);
	p = percu_realloc(p, HIDE(0));
	CU_ASSERT_PTR_NOT_NULL(p);
	percu_free(p);
	ASSERT_POOLS_HOLD(0);
}

/* Law: a realloc that fails leaves the block as it was. */
static void realloc_fails(void)
{
	void *p = percu_alloc(5000);
	const unsigned int memory = 1 << OS_RESERVE | 1 << OS_COMMIT |
				    1 << OS_MAP;

	fill_bytes(p, 5000, 5);
	os_fault_arm(memory, 1, true);
	errno = 0;
	CU_ASSERT_PTR_NULL(percu_realloc(p, HIDE(100 << 20)));
	CU_ASSERT_EQUAL(errno, ENOMEM);
	CU_ASSERT(check_fired("no memory") > 0);
	CU_ASSERT(bytes_hold(p, 5000, 5));
	CU_ASSERT(percu_usable_size(p) >= 5000);
	percu_free(p);
	ASSERT_POOLS_HOLD(0);
}

/* Threads. --------------------------------------------------------------------------- */

/* A block that one thread allocates another frees; what is in it is its own. */
enum {
	NR_THREADS = 8,
	SLOTS = 512
};

struct parcel {
	size_t size;
	uint32_t seed;
};

static struct exchange {
	struct parcel *slot[SLOTS]; /* (a) */
	int rounds;
	unsigned long wrong;
} ex;

static size_t parcel_size(struct check_rand *r)
{
	uint32_t most = check_rand_below(r, 200) ? 2000 : 100000;

	return sizeof(struct parcel) + check_rand_below(r, most);
}

static struct parcel *parcel_make(struct check_rand *r)
{
	size_t size = parcel_size(r);
	uint32_t how = check_rand_below(r, 4);
	struct parcel *p;

	if (how == 0)
		p = percu_zalloc(size);
	else if (how == 1)
		p = percu_alloc_aligned(16u << check_rand_below(r, 9), size);
	else
		p = percu_alloc(size);
	if (!p)
		return NULL;
	p->size = size;
	p->seed = (uint32_t)check_rand(r);
	fill_bytes(p + 1, size - sizeof(*p), p->seed);
	return p;
}

static struct parcel *parcel_resize(struct check_rand *r, struct parcel *p)
{
	size_t size = parcel_size(r), common = size < p->size ? size : p->size;

	p = percu_realloc(p, size);
	if (!p)
		return NULL;
	if (!bytes_hold(p + 1, common - sizeof(*p), p->seed))
		__atomic_fetch_add(&ex.wrong, 1, __ATOMIC_RELAXED);
	p->size = size;
	fill_bytes(p + 1, size - sizeof(*p), p->seed);
	return p;
}

static void parcel_open(struct parcel *p)
{
	if (!bytes_hold(p + 1, p->size - sizeof(*p), p->seed))
		__atomic_fetch_add(&ex.wrong, 1, __ATOMIC_RELAXED);
	percu_free(p);
}

static void ex_thread(unsigned int i, void *arg)
{
	struct check_rand r = { seed + i };
	struct parcel *p;

	(void)arg;
	for (int k = 0; k < ex.rounds; k++) {
		p = parcel_make(&r);
		if (check_rand_below(&r, 3) == 0)
			p = parcel_resize(&r, p);
		p = __atomic_exchange_n(&ex.slot[check_rand_below(&r, SLOTS)],
					p, __ATOMIC_ACQ_REL);
		if (p)
			parcel_open(p);
		if (i == 0 && k % 3000 == 0)
			percu_age();
	}
}

static void threads(void)
{
	memset(&ex, 0, sizeof(ex));
	ex.rounds = check_short() ? 500 : 30000;
	seed = check_seed();
	check_threads(NR_THREADS, ex_thread, NULL);
	for (int i = 0; i < SLOTS; i++)
		if (ex.slot[i])
			parcel_open(ex.slot[i]);
	CU_ASSERT_EQUAL(ex.wrong, 0);
	ASSERT_POOLS_HOLD(0);
}

/* Scopes. ------------------------------------------------------------------------------ */

static struct percu_pool *conns;
static int closed;

PERCU_DEFINE_AUTO(conn, void *, percu_pool_put(conns, _T))
PERCU_DEFINE_AUTO(int_close, int *, closed += *_T)

static void *scope(int how)
{
	void *a percu_auto(free) = percu_alloc(100);
	void *c percu_auto(conn) = percu_pool_get(conns);
	void *none percu_auto(conn) = NULL;
	int one = 1;
	int *counted percu_auto(int_close) = how == 3 ? NULL : &one;

	(void)none, (void)counted;
	if (!a || !c)
		return NULL;
	if (how == 1)
		return NULL; /* on the way out of the middle */
	for (int i = 0; i < 3; i++) {
		void *each percu_auto(free) = percu_alloc(10);

		if (!each || i == 2)
			break; /* each turn's own scope */
	}
	errno = EDOM;
	if (how == 2)
		return percu_no_free(a); /* the caller's now */
	return NULL;
}

/* Laws: every way out disposes; NULL is never disposed of; errno is left. */
static void scopes(void)
{
	const struct percu_pool_attr attr = { .size = 32 };
	void *p;

	conns = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conns);
	CU_ASSERT_PTR_NULL(scope(0));
	CU_ASSERT_EQUAL(errno, EDOM);
	ASSERT_POOLS_HOLD(0);
	CU_ASSERT_PTR_NULL(scope(1));
	ASSERT_POOLS_HOLD(0);
	CU_ASSERT_EQUAL(closed, 2);
	p = scope(2);
	CU_ASSERT_PTR_NOT_NULL(p);
	ASSERT_POOLS_HOLD(1);
	percu_free(p);
	CU_ASSERT_EQUAL(closed, 3);
	scope(3);
	CU_ASSERT_EQUAL(closed, 3);
	{
		void *q percu_auto(free) = percu_alloc(5);
		void *taken = percu_no_free(q);

		CU_ASSERT_PTR_NULL(q);
		CU_ASSERT_PTR_NOT_NULL(taken);
		percu_free(taken);
	}
	CU_ASSERT_EQUAL(percu_pool_destroy(conns), 0);
	ASSERT_POOLS_HOLD(0);
}

static const CU_TestInfo tests[] = {
	{ "a block has its size, and not much more", sizes },
	{ "blocks are apart", apart },
	{ "NULL is nothing", null_is_nothing },
	{ "what cannot be is ENOMEM", too_much },
	{ "a sized free needs the size last asked for", sized },
	{ "zeroed blocks are zero", zeroes },
	{ "aligned blocks are aligned", aligned },
	{ "what is no alignment is EINVAL", aligned_wrong },
	{ "realloc keeps the contents, and the place", reallocs },
	{ "a realloc that fails changes nothing", realloc_fails },
	{ "any thread frees what any has allocated", threads },
	{ "a scope's end disposes of what is its own", scopes },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("alloc", tests);
}
