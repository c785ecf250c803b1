/* SPDX-License-Identifier: MIT */
/*
 * tests/test_buf.c - what percu/buf.h says of buffers
 *
 * Under Valgrind and ASan a block is exactly as large as was asked for; the
 * laws that this changes say so.  Text is in test_buf_text.c,
 * want of memory in test_buf_oom.c, slices in test_slice.c.
 */
#include <errno.h>
#include <stdlib.h>

#include <percu/alloc.h>
#include <percu/buf.h>
#include <percu/cleanup.h>

#include "slab/class.h"
#include "tests/bufs.h"

enum {
	DOUBLE_MAX = 64 << 10,
	STORAGE_MIN = 16,
};

/* Not for the compiler to see through. */
static volatile size_t unknown_zero;
#define HIDE(n) ((size_t)(n) + unknown_zero)

static size_t class_for_cap(size_t cap)
{
	return percu_good_size(cap < STORAGE_MIN ? STORAGE_MIN : cap);
}

/* Get and put. ------------------------------------------------------------- */

/* Law: empty, and as large as was asked for, to the class. */
static void get_gives_room(void)
{
	static const size_t caps[] = { 1,    8,    9,     16,    100,   1024,
				       4096, 4097, 32768, 65536, 100000 };
	struct percu_buf *b = percu_buf_get(HIDE(0));

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT(!b->data && !b->len && !b->cap);
	percu_buf_put(b);
	for (size_t i = 0; i < sizeof(caps) / sizeof(*caps); i++) {
		b = percu_buf_get(caps[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(b);
		CU_ASSERT_EQUAL(b->len, 0);
		CU_ASSERT_EQUAL(b->cap, class_for_cap(caps[i]));
		CU_ASSERT_EQUAL((uintptr_t)b->data % 16, 0);
		memset(b->data, 'x', b->cap);
		percu_buf_put(b);
	}
	/* A power of two is one: nothing is added to it. */
	b = percu_buf_get(4096);
	CU_ASSERT_EQUAL(b->cap, 4096);
	errno = EDOM;
	percu_buf_put(b);
	percu_buf_put(NULL);
	CU_ASSERT_EQUAL(errno, EDOM);
}

static struct percu_size_stats by_size(size_t cap)
{
	unsigned int c = class_of(cap);
	struct percu_memstats ms = memstats();

	return ms.by_size[c];
}

/* Law: what has grown goes back to the class that it has grown to. */
static void put_returns_what_grew(void)
{
	uint64_t before = memstats().alloc;
	struct percu_size_stats then, now;
	struct percu_buf *b = percu_buf_get(64);
	size_t cap;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_EQUAL(percu_buf_append(b, patterned, 3000), 0);
	cap = b->cap + (tool_redzone() ? TOOL_REDZONE : 0);
	CU_ASSERT_TRUE(cap >= 3000);
	then = by_size(cap);
	CU_ASSERT_EQUAL(then.mallocs - then.frees, 1);
	percu_buf_put(b);
	now = by_size(cap);
	CU_ASSERT_EQUAL(now.frees, then.frees + 1);
	CU_ASSERT_EQUAL(now.bytes, 0);
	CU_ASSERT_EQUAL(memstats().alloc, before);
	/* The next one of the size that it began with is no larger. */
	b = percu_buf_get(64);
	CU_ASSERT_EQUAL(b->cap, class_for_cap(64));
	percu_buf_put(b);
}

/* Law: a release gives the storage back, and the buffer can be filled again. */
static void release_keeps_the_buffer(void)
{
	struct percu_buf *b = percu_buf_get(100000);
	uint64_t with = memstats().alloc;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	b->len = 10;
	errno = EDOM;
	percu_buf_release(b);
	CU_ASSERT_EQUAL(errno, EDOM);
	CU_ASSERT(!b->data && !b->len && !b->cap);
	CU_ASSERT_TRUE(memstats().alloc <= with - 100000);
	percu_buf_release(b);
	CU_ASSERT_EQUAL(percu_buf_append(b, patterned, 50), 0);
	CU_ASSERT(holds(b, 50));
	percu_buf_put(b);
}

static void reset_keeps_capacity(void)
{
	struct percu_buf *b = percu_buf_get(100);
	unsigned char *data;
	size_t cap;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	percu_buf_append(b, patterned, 100);
	data = b->data;
	cap = b->cap;
	percu_buf_reset(b);
	CU_ASSERT(!b->len && b->cap == cap && b->data == data);
	percu_buf_put(b);
}

/* Growth. --------------------------------------------------------------------- */

/* Law: byte by byte the capacities are these. */
static void growth_table(void)
{
	static const size_t table[] = {
		0,    16,   32,    64,    128,   256,    512,    1024,   2048,
		4096, 8192, 16384, 32768, 65536, 131072, 163840, 204800, 262144,
	};
	struct percu_buf *b = percu_buf_get(0);
	size_t step = 0, n = sizeof(table) / sizeof(*table);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	if (tool_redzone())
		check_skip("classes are not what grows under this tool");
	for (size_t i = 0; i < 262144 && step < n; i++) {
		while (!tool_redzone() && step < n && b->cap != table[step])
			step++;
		if (percu_buf_append(b, &patterned[i], 1))
			break;
	}
	CU_ASSERT_TRUE(step < n);
	CU_ASSERT(holds(b, 262144));
	if (!tool_redzone())
		CU_ASSERT_EQUAL(b->cap, 262144);
	percu_buf_put(b);
}

static size_t grown(size_t cap, size_t need)
{
	size_t more = cap <= DOUBLE_MAX ? cap * 2 : cap + cap / 4;

	return class_for_cap(more > need ? more : need);
}

/* Law: doubled, or a quarter more, or what is needed. */
static void growth_law(void)
{
	struct check_rand r = { check_seed() };

	for (int i = 0; i < (check_short() ? 200 : 5000); i++) {
		size_t cap = check_rand_below(&r, i % 2 ? 500 : 150000);
		size_t need, was;
		struct percu_buf *b = percu_buf_get(cap);

		CU_ASSERT_PTR_NOT_NULL_FATAL(b);
		was = b->cap;
		b->len = check_rand_below(&r, (uint32_t)was + 1);
		memcpy(b->data ? b->data : patterned, patterned, b->len);
		need = was + 1 + check_rand_below(&r, i % 3 ? 10 : 130000);
		CU_ASSERT_EQUAL(percu_buf_append(b, patterned + b->len,
						 need - b->len),
				0);
		CU_ASSERT_EQUAL(b->cap, grown(was, need));
		CU_ASSERT(holds(b, need));
		percu_buf_put(b);
	}
}

/* Law: a number of growths that the number of bytes has the logarithm of. */
static void growth_is_rare(void)
{
	struct percu_buf *b = percu_buf_get(0);
	size_t last = 0, n = check_short() ? 1 << 20 : 16 << 20;
	unsigned int growths = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (size_t i = 0; i < n; i += 64) {
		if (percu_buf_append(b, patterned, 64))
			break;
		growths += b->cap != last;
		last = b->cap;
	}
	CU_ASSERT_EQUAL(b->len, n);
	/* log2(64 KiB) + log1.25(16 MiB / 64 KiB) */
	CU_ASSERT_TRUE(growths <= 16 + 25);
	percu_buf_put(b);
}

/* Law: room for so much in all, to the class; never less than before. */
static void reserve_is_exact(void)
{
	static const size_t caps[] = { 1, 16, 17, 1000, 4096, 65536, 200000 };
	struct percu_buf *b = percu_buf_get(0);
	unsigned char *data;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_EQUAL(percu_buf_reserve(b, 0), 0);
	CU_ASSERT_PTR_NULL(b->data);
	for (size_t i = 0; i < sizeof(caps) / sizeof(*caps); i++) {
		CU_ASSERT_EQUAL(percu_buf_reserve(b, caps[i]), 0);
		CU_ASSERT_EQUAL(b->cap, class_for_cap(caps[i]));
		CU_ASSERT(holds(b, i ? caps[i - 1] : 0));
		data = b->data;
		CU_ASSERT_EQUAL(percu_buf_reserve(b, caps[i] / 2), 0);
		CU_ASSERT_PTR_EQUAL(b->data, data);
		percu_buf_reset(b);
		CU_ASSERT_EQUAL(percu_buf_append(b, patterned, caps[i]), 0);
		CU_ASSERT_PTR_EQUAL(b->data, data);
	}
	percu_buf_put(b);
}

/* Sizes that nobody has. ---------------------------------------------------- */

static const size_t much[] = {
	SIZE_MAX,        SIZE_MAX - 1,          SIZE_MAX - 10,
	SIZE_MAX - 4096, SIZE_MAX / 2,          SIZE_MAX / 2 + 1,
	PTRDIFF_MAX,     PTRDIFF_MAX - 16,      SIZE_MAX / 4 * 3,
	(size_t)1 << 62, ((size_t)1 << 46) + 1,
};

/* Law: -EOVERFLOW or -ENOMEM, never less than asked for; all as it was. */
static void too_much(void)
{
	struct percu_buf *b = percu_buf_get(100), was, *none;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	percu_buf_append(b, patterned, 50);
	was = *b;
	for (size_t i = 0; i < sizeof(much) / sizeof(*much); i++) {
		CU_ASSERT_EQUAL(percu_buf_append(b, patterned, HIDE(much[i])),
				-EOVERFLOW);
		CU_ASSERT_EQUAL(percu_buf_reserve(b, HIDE(much[i])),
				-EOVERFLOW);
		errno = 0;
		none = percu_buf_get(HIDE(much[i]));
		CU_ASSERT_PTR_NULL(none);
		CU_ASSERT_EQUAL(errno, ENOMEM);
		percu_buf_put(none);
		CU_ASSERT(same_buf(b, &was) && holds(b, 50));
	}
	/* A block can be that large, and there is no memory for it. */
	CU_ASSERT_EQUAL(percu_buf_reserve(b, HIDE((size_t)1 << 46)), -ENOMEM);
	CU_ASSERT(same_buf(b, &was) && holds(b, 50));
	percu_buf_put(b);
}

/* Appending what it has. ----------------------------------------------------- */

/* Law: any part of itself, with room and without, is appended as it was. */
static void append_itself(void)
{
	enum {
		N = 24
	};
	unsigned char want[2 * N];

	for (size_t off = 0; off <= N; off++) {
		for (size_t n = 0; n <= N - off; n++) {
			for (size_t cap = N; cap <= 2 * N; cap += N) {
				struct percu_buf *b = percu_buf_get(cap);

				CU_ASSERT_PTR_NOT_NULL_FATAL(b);
				memcpy(want, patterned, N);
				memcpy(want + N, patterned + off, n);
				percu_buf_append(b, patterned, N);
				CU_ASSERT_EQUAL(
					percu_buf_append(b, b->data + off, n),
					0);
				CU_ASSERT_EQUAL(b->len, N + n);
				CU_ASSERT(!memcmp(b->data, want, N + n));
				percu_buf_put(b);
			}
		}
	}
}

/* Law: bytes behind the length that were written there are appended too. */
static void append_spare(void)
{
	struct percu_buf *b = percu_buf_get(64);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	percu_buf_append(b, patterned, 10);
	memcpy(b->data + 12, patterned + 10, 20);
	CU_ASSERT_EQUAL(percu_buf_append(b, b->data + 12, 20), 0);
	CU_ASSERT(holds(b, 30));
	CU_ASSERT_EQUAL(percu_buf_append(b, NULL, 0), 0);
	CU_ASSERT(holds(b, 30));
	percu_buf_put(b);
}

/* On the stack. ------------------------------------------------------------------- */

/* Law: nothing is asked for before the bytes on the stack are full. */
static void stack_first(void)
{
	uint64_t mallocs = memstats().mallocs, alloc = memstats().alloc;

	{
		PERCU_BUF_ONSTACK(b, 100);

		CU_ASSERT(b.cap == 100 && !b.len);
		CU_ASSERT_EQUAL((uintptr_t)b.data % 16, 0);
		CU_ASSERT_PTR_EQUAL(b.data, b_stack_);
		CU_ASSERT_EQUAL(percu_buf_append(&b, patterned, 100), 0);
		CU_ASSERT_EQUAL(percu_buf_reserve(&b, 100), 0);
		CU_ASSERT_EQUAL(memstats().mallocs, mallocs);
		CU_ASSERT_EQUAL(percu_buf_append(&b, patterned + 100, 1), 0);
		CU_ASSERT_EQUAL(memstats().mallocs, mallocs + 1);
		CU_ASSERT_EQUAL(b.cap, class_for_cap(200));
		CU_ASSERT(holds(&b, 101));
		percu_buf_append(&b, patterned + 101, 100000);
		CU_ASSERT(holds(&b, 100101));
	}
	/* The end of the scope has given it back. */
	CU_ASSERT_EQUAL(memstats().alloc, alloc);
}

static void stack_release(void)
{
	uint64_t alloc = memstats().alloc;
	PERCU_BUF_ONSTACK(b, 16);

	CU_ASSERT_EQUAL(percu_buf_printf(&b, "%0100d", 7), 0);
	CU_ASSERT_EQUAL(b.len, 100);
	percu_buf_release(&b);
	CU_ASSERT_EQUAL(memstats().alloc, alloc);
	CU_ASSERT(!b.data && !b.len && !b.cap);
	CU_ASSERT_EQUAL(percu_buf_append(&b, patterned, 20), 0);
	CU_ASSERT(holds(&b, 20));
}

/* Law: a scope's end puts the buffer, and a NULL is nothing. */
static void scope_puts(void)
{
	uint64_t alloc = memstats().alloc;

	{
		struct percu_buf *b percu_auto(buf) = percu_buf_get(1000);
		struct percu_buf *none percu_auto(buf) = NULL;

		CU_ASSERT(b && !none);
		CU_ASSERT_TRUE(memstats().alloc > alloc);
	}
	CU_ASSERT_EQUAL(memstats().alloc, alloc);
}

/* A model. --------------------------------------------------------------------------- */

struct model {
	struct percu_buf *b;
	unsigned char *bytes;
	size_t len, room;
	struct check_rand r;
};

static void model_append(struct model *m, const void *p, size_t n)
{
	if (m->len + n > m->room) {
		m->room = 2 * (m->len + n);
		m->bytes = realloc(m->bytes, m->room);
		if (!m->bytes)
			abort();
	}
	memmove(m->bytes + m->len, p, n);
	m->len += n;
}

static void model_append_own(struct model *m)
{
	size_t off, n;

	if (!m->len)
		return;
	off = check_rand_below(&m->r, (uint32_t)m->len);
	n = check_rand_below(&m->r, (uint32_t)(m->len - off) + 1);
	if (m->len + n > 1 << 20)
		return;
	CU_ASSERT_EQUAL(percu_buf_append(m->b, m->b->data + off, n), 0);
	if (m->len + n > m->room) {
		m->room = 2 * (m->len + n);
		m->bytes = realloc(m->bytes, m->room);
	}
	model_append(m, m->bytes + off, n);
}

static void model_print(struct model *m)
{
	unsigned int n = check_rand_below(&m->r, 300);
	char text[400];
	int len = snprintf(text, sizeof(text), "<%0*u>", (int)n, n);

	CU_ASSERT_EQUAL(percu_buf_printf(m->b, "<%0*u>", (int)n, n), 0);
	model_append(m, text, (size_t)len);
}

static void model_add(struct model *m, uint32_t n)
{
	if (n % 3 == 0) {
		model_print(m);
		return;
	}
	model_append(m, patterned + n, n / 4);
	CU_ASSERT_EQUAL(percu_buf_append(m->b, patterned + n, n / 4), 0);
}

static void model_empty(struct model *m, uint32_t n)
{
	if (n % 3 == 0) {
		percu_buf_reset(m->b);
	} else if (n % 3 == 1) {
		percu_buf_release(m->b);
	} else {
		percu_buf_put(m->b);
		m->b = percu_buf_get(n);
	}
	m->len = 0;
}

static void model_step(struct model *m)
{
	uint32_t n = check_rand_below(&m->r, 3000);

	switch (check_rand_below(&m->r, 15)) {
	case 0:
		model_empty(m, n);
		break;
	case 1:
		CU_ASSERT_EQUAL(percu_buf_reserve(m->b, m->len + n), 0);
		break;
	case 2:
		m->b->len = m->len = m->len - m->len / 3;
		break;
	case 3:
		model_append_own(m);
		break;
	default:
		model_add(m, n);
	}
}

/* Law: it holds what plain memory would, after any calls in any order. */
static void model(void)
{
	struct model m = { .b = percu_buf_get(0), .r = { check_seed() } };
	int steps = check_short() ? 2000 : 100000;

	for (int i = 0; i < steps && m.b; i++) {
		model_step(&m);
		CU_ASSERT_FATAL(m.b && m.b->len == m.len &&
				m.b->len <= m.b->cap);
		if (i % 16 == 0 && m.len)
			CU_ASSERT(!memcmp(m.b->data, m.bytes, m.len));
	}
	percu_buf_put(m.b);
	free(m.bytes);
}

/* Elsewhere. -------------------------------------------------------------------------- */

static bool early_worked;

/* Before the library's own constructor, if that is to come. */
__attribute__((constructor(101))) static void early(void)
{
	struct percu_buf *b = percu_buf_get(10);
	struct percu_slice s;

	if (!b || percu_buf_printf(b, "%s", "before main") || b->len != 11)
		return;
	s = percu_slice_of(b, 7, 4);
	early_worked = s.len == 4 && !memcmp(s.ptr, "main", 4);
	percu_slice_put(s);
	percu_buf_put(b);
}

static void before_main(void)
{
	CU_ASSERT_TRUE(early_worked);
}

static void forked(void *arg)
{
	struct percu_buf *b = arg, *mine = percu_buf_get(1000);

	child_must(mine && !percu_buf_append(b, patterned + 50, 5000));
	child_must(holds(b, 5050));
	child_must(!percu_buf_append(mine, b->data, b->len));
	child_must(holds(mine, 5050));
	percu_buf_put(b);
	percu_buf_put(mine);
	child_must(all_conserve());
}

/* Law: the child goes on with its copy, the parent with its own. */
static void after_fork(void)
{
	struct percu_buf *b = percu_buf_get(50);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	percu_buf_append(b, patterned, 50);
	CU_ASSERT_TRUE(child_ok(forked, b));
	CU_ASSERT(holds(b, 50));
	percu_buf_put(b);
}

static const CU_TestInfo tests[] = {
	{ "before main", before_main },
	{ "get gives room", get_gives_room },
	{ "put returns what has grown", put_returns_what_grew },
	{ "release keeps the buffer", release_keeps_the_buffer },
	{ "reset keeps the capacity", reset_keeps_capacity },
	{ "growth, byte by byte", growth_table },
	{ "growth, from anywhere", growth_law },
	{ "growth is rare", growth_is_rare },
	{ "reserve is exact", reserve_is_exact },
	{ "more than there can be", too_much },
	{ "append of its own bytes", append_itself },
	{ "append of bytes behind the length", append_spare },
	{ "the stack first", stack_first },
	{ "the stack, released", stack_release },
	{ "a scope's end puts it", scope_puts },
	{ "as plain memory would", model },
	{ "after fork", after_fork },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return bufs_main("buf", tests);
}
