/* SPDX-License-Identifier: MIT */
/*
 * tests/test_buf_text.c - what percu/buf.h says of formatted text
 */
#include <errno.h>
#include <stdarg.h>
#include <wchar.h>

#include <percu/buf.h>

#include "tests/bufs.h"

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
	CU_ASSERT(same_buf(b, &was) && holds(b, 40));
	CU_ASSERT_EQUAL(print_too_wide(b), -EOVERFLOW);
	CU_ASSERT(same_buf(b, &was) && holds(b, 40));
	percu_buf_put(b);
}

static const CU_TestInfo tests[] = { { "text, wherever the capacity ends",
				       text_fits },
				     { "text of itself", text_of_itself },
				     { "text of errno", text_of_errno },
				     { "text that printf refuses", text_fails },
				     CU_TEST_INFO_NULL };

int main(void)
{
	return bufs_main("buf_text", tests);
}
