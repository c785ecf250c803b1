/* SPDX-License-Identifier: MIT */
/*
 * tests/test_buf.c - what percu/buf.h says of buffers
 *
 * Under Valgrind and ASan a block is exactly as large as was asked for; the
 * laws that this changes say so.  Slices are in test_slice.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <wchar.h>

#include <percu/alloc.h>
#include <percu/buf.h>
#include <percu/cleanup.h>

#include "slab/class.h"
#include "tests/faults.h"

enum {
	DOUBLE_MAX = 64 << 10,
	STORAGE_MIN = 16,
};

/* Not for the compiler to see through. */
static volatile size_t unknown_zero;
#define HIDE(n) ((size_t)(n) + unknown_zero)

static unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 7 + i / 256 + 1);
}

static unsigned char patterned[300 << 10];

static bool holds(const struct percu_buf *b, size_t len)
{
	return b->len == len && b->len <= b->cap &&
	       (!len || !memcmp(b->data, patterned, len));
}

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

/* Law: -EOVERFLOW or -ENOMEM, never less than asked for; all as it was. */
static void too_much(void)
{
	static const size_t much[] = {
		SIZE_MAX,        SIZE_MAX - 1,          SIZE_MAX - 10,
		SIZE_MAX - 4096, SIZE_MAX / 2,          SIZE_MAX / 2 + 1,
		PTRDIFF_MAX,     PTRDIFF_MAX - 16,      SIZE_MAX / 4 * 3,
		(size_t)1 << 62, ((size_t)1 << 46) + 1,
	};
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
		CU_ASSERT(!memcmp(&was, b, sizeof(was)) && holds(b, 50));
	}
	/* A block can be that large, and there is no memory for it. */
	CU_ASSERT_EQUAL(percu_buf_reserve(b, HIDE((size_t)1 << 46)), -ENOMEM);
	CU_ASSERT(!memcmp(&was, b, sizeof(was)) && holds(b, 50));
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

/* Text. -------------------------------------------------------------------------- */

/* Law: the text and no '\0', wherever the capacity ends. */
static void text_fits(void)
{
	char word[80], want[100];

	for (size_t cap = 0; cap <= 48; cap += 16) {
		for (size_t n = 0; n < sizeof(word); n++) {
			struct percu_buf *b = percu_buf_get(cap);
			int len;

			CU_ASSERT_PTR_NOT_NULL_FATAL(b);
			memset(word, 'w', n);
			word[n] = '\0';
			len = snprintf(want, sizeof(want), "%s,%zu", word, n);
			CU_ASSERT_EQUAL(percu_buf_printf(b, "%s,", word), 0);
			CU_ASSERT_EQUAL(percu_buf_printf(b, "%zu", n), 0);
			CU_ASSERT_EQUAL(b->len, (size_t)len);
			CU_ASSERT(!memcmp(b->data, want, b->len));
			percu_buf_put(b);
		}
	}
}

static void text_of_itself(void)
{
	struct percu_buf *b = percu_buf_get(0);
	const char *want = "abcabcabcabc";

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_EQUAL(percu_buf_printf(b, "%s", ""), 0);
	CU_ASSERT(!b->len && !b->cap);
	percu_buf_append(b, "abc\0", 4);
	CU_ASSERT_EQUAL(percu_buf_printf(b, "%s%s%s%s", b->data, b->data,
					 b->data, b->data),
			0);
	CU_ASSERT_EQUAL(b->len, 16);
	CU_ASSERT(!memcmp(b->data + 4, want, 12));
	percu_buf_put(b);
}

/* Law: %m means the errno that the call began with, in either pass. */
static void text_of_errno(void)
{
	struct percu_buf *b = percu_buf_get(0);
	char want[200];

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	snprintf(want, sizeof(want), "%s", strerror(EDOM));
	for (int i = 0; i < 2; i++) {
		percu_buf_reset(b);
		errno = EDOM;
		CU_ASSERT_EQUAL(percu_buf_printf(b, "%m"), 0);
		CU_ASSERT_EQUAL(b->len, strlen(want));
		CU_ASSERT(!memcmp(b->data, want, b->len));
	}
	percu_buf_put(b);
}

static int vprint(struct percu_buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static int vprint(struct percu_buf *b, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = percu_buf_vprintf(b, fmt, ap);
	va_end(ap);
	return err;
}

/* More than an int can say; gcc and clang would warn of it. */
static int print_too_wide(struct percu_buf *b)
{
	const char *volatile fmt = "%2147483648d";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return percu_buf_printf(b, fmt, 1);
#pragma GCC diagnostic pop
}

/* Law: where printf() fails nothing has been appended. */
static void text_fails(void)
{
	static const wchar_t bad[] = { (wchar_t)0x7fffffff, 0 };
	struct percu_buf *b = percu_buf_get(50), was;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_EQUAL(vprint(b, "%s %d %c", "list", 12, 'x'), 0);
	CU_ASSERT(b->len == 9 && !memcmp(b->data, "list 12 x", 9));
	percu_buf_reset(b);
	percu_buf_append(b, patterned, 40);
	was = *b;
	CU_ASSERT_EQUAL(percu_buf_printf(b, "%ls", bad), -EINVAL);
	CU_ASSERT(!memcmp(&was, b, sizeof(was)) && holds(b, 40));
	CU_ASSERT_EQUAL(print_too_wide(b), -EOVERFLOW);
	CU_ASSERT(!memcmp(&was, b, sizeof(was)) && holds(b, 40));
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

static void model_step(struct model *m)
{
	uint32_t n = check_rand_below(&m->r, 3000);

	switch (check_rand_below(&m->r, 40)) {
	case 0:
		percu_buf_reset(m->b);
		m->len = 0;
		break;
	case 1:
		percu_buf_release(m->b);
		m->len = 0;
		break;
	case 2:
		percu_buf_put(m->b);
		m->b = percu_buf_get(n);
		m->len = 0;
		break;
	case 3:
		CU_ASSERT_EQUAL(percu_buf_reserve(m->b, m->len + n), 0);
		break;
	case 4:
		m->b->len = m->len = m->len - m->len / 3;
		break;
	case 5:
		model_append_own(m);
		break;
	default:
		if (n % 3) {
			model_append(m, patterned + n, n / 4);
			CU_ASSERT_EQUAL(percu_buf_append(m->b, patterned + n,
							 n / 4),
					0);
		} else {
			model_print(m);
		}
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

/* Out of memory. ------------------------------------------------------------------------ */

static struct percu_buf *oom_get(size_t cap)
{
	struct percu_buf *b = percu_buf_get(cap);

	faults_refused(!b, errno);
	return b;
}

/* The call was refused, and then nothing of the buffer is other than it was. */
static void oom_result(const struct percu_buf *b, const struct percu_buf *was,
		       int err)
{
	if (!faults_refused(err, -err))
		return;
	child_must(!memcmp(b, was, sizeof(*b)));
	child_must(holds(b, was->len));
}

static void oom_put(struct percu_buf *b)
{
	errno = EDOM;
	percu_buf_put(b);
	child_must(errno == EDOM);
}

static void get_op(void)
{
	static const size_t caps[] = { 0, 1, 100, 5000, 32768, 40000, 90000 };
	struct percu_buf *b[7];

	for (int i = 0; i < 7; i++)
		b[i] = oom_get(caps[i]);
	for (int i = 0; i < 7; i++)
		oom_put(b[i]);
}

static void reserve_op(void)
{
	struct percu_buf *b = oom_get(0), was;

	for (size_t cap = 10; b && cap < 200000; cap *= 4) {
		was = *b;
		oom_result(b, &was, percu_buf_reserve(b, cap));
		b->len = b->cap < cap ? b->cap : cap;
		if (b->len)
			memcpy(b->data, patterned, b->len);
	}
	oom_put(b);
}

static void append_op(void)
{
	struct percu_buf was;
	PERCU_BUF_ONSTACK(b, 50);

	for (size_t n = 30; b.len < 200000 && n < 80000; n += n / 2) {
		was = b;
		oom_result(&b, &was,
			   percu_buf_append(&b, patterned + b.len, n));
	}
	percu_buf_release(&b);
}

static void printf_op(void)
{
	struct percu_buf was;
	PERCU_BUF_ONSTACK(b, 50);

	memcpy(b.data, patterned, b.len = 10);
	for (int n = 30; n < 80000; n *= 3) {
		was = b;
		oom_result(&b, &was, percu_buf_printf(&b, "%0*d", n, 1));
		b.len = 10;
	}
	percu_buf_release(&b);
}

static void out_of_memory(void)
{
	faults_sweep("percu_buf_get", get_op);
	faults_sweep("percu_buf_reserve", reserve_op);
	faults_sweep("percu_buf_append", append_op);
	faults_sweep("percu_buf_printf", printf_op);
}

static const CU_TestInfo tests[] = {
	{ "out of memory, call by call", out_of_memory },
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
	{ "text, wherever the capacity ends", text_fits },
	{ "text of itself", text_of_itself },
	{ "text of errno", text_of_errno },
	{ "text that printf refuses", text_fails },
	{ "the stack first", stack_first },
	{ "the stack, released", stack_release },
	{ "a scope's end puts it", scope_puts },
	{ "as plain memory would", model },
	{ "after fork", after_fork },
	CU_TEST_INFO_NULL
};

int main(void)
{
	for (size_t i = 0; i < sizeof(patterned); i++)
		patterned[i] = pattern(i);
	return check_main("buf", tests);
}
