/* SPDX-License-Identifier: MIT */
/*
 * tests/bufs.h - what the tests of buf/ share
 *
 * Bytes are those of a pattern, from which any part can be told by its offset:
 * patterned has to be filled first, by bufs_main().
 */
#ifndef PERCU_TESTS_BUFS_H
#define PERCU_TESTS_BUFS_H

#include <percu/buf.h>

#include "tests/conserve.h"

enum {
	RATIO_START = 64,
	THIN_MIN = 4096,
	LARGE = 64 << 10,
};

static unsigned char patterned[300 << 10];

static inline int bufs_main(const char *name, const CU_TestInfo *tests)
{
	for (size_t i = 0; i < sizeof(patterned); i++)
		patterned[i] = (unsigned char)(i * 7 + i / 256 + 1);
	return check_main(name, tests);
}

/* Does it hold the first len bytes, and no more? */
static inline bool holds(const struct percu_buf *b, size_t len)
{
	return b->len == len && b->len <= b->cap &&
	       (!len || !memcmp(b->data, patterned, len));
}

/* Is nothing of it other than it was? */
static inline bool same_buf(const struct percu_buf *b,
			    const struct percu_buf *was)
{
	return b->data == was->data && b->len == was->len &&
	       b->cap == was->cap && b->storage == was->storage &&
	       b->kind == was->kind;
}

static inline bool shows(struct percu_slice s, size_t off, size_t len)
{
	return s.len == len && s.ptr && !memcmp(s.ptr, patterned + off, len);
}

static inline bool is_null(struct percu_slice s)
{
	return !s.ptr && !s.len && !s.block;
}

static inline struct percu_slice_stats retained(void)
{
	struct percu_slice_stats st;

	percu_slice_stats(&st);
	return st;
}

/* Are these the figures? */
static inline bool retains(uint64_t slices, uint64_t blocks, uint64_t shown)
{
	struct percu_slice_stats st = retained();

	if (st.slices == slices && st.blocks == blocks && st.shown == shown &&
	    !st.held == !blocks)
		return true;
	printf("\n    %llu slices, %llu blocks, %llu shown, %llu held ",
	       (unsigned long long)st.slices, (unsigned long long)st.blocks,
	       (unsigned long long)st.shown, (unsigned long long)st.held);
	return false;
}

/* A buffer with the first len bytes. */
static inline struct percu_buf *filled(size_t len)
{
	struct percu_buf *b = percu_buf_get(len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_EQUAL_FATAL(percu_buf_append(b, patterned, len), 0);
	return b;
}

/* A slice of the first len bytes, and nothing else. */
static inline struct percu_slice slice(size_t len)
{
	struct percu_buf *b = filled(len);
	struct percu_slice s = percu_slice_of(b, 0, len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(s.ptr);
	percu_buf_put(b);
	return s;
}

#endif /* PERCU_TESTS_BUFS_H */
