/* SPDX-License-Identifier: MIT */
/*
 * tests/test_buf_oom.c - buffers and slices on a system that refuses
 *
 * Law, of each call: it does what it is to do, or it was for want of memory
 * and nothing is other than it was before.
 */
#include <percu/buf.h>

#include "tests/bufs.h"
#include "tests/faults.h"

/* Buffers. -------------------------------------------------------------- */

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
	child_must(same_buf(b, was));
	child_must(holds(b, was->len));
}

static void oom_put_buf(struct percu_buf *b)
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
		oom_put_buf(b[i]);
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
	oom_put_buf(b);
}

/*
 * Where there is no memory for a quarter more, it grows to what is needed: with
 * 28 pages, from 58 that are left to 63, of which each sweep tries one.
 */
static void grow_op(void)
{
	struct percu_buf *b = oom_get(28 * PAGE_SIZE_), was;

	if (!b)
		return;
	memcpy(b->data, patterned, b->len = b->cap);
	was = *b;
	oom_result(b, &was, percu_buf_append(b, patterned + b->len, 1));
	faults->noted += b->len > was.len && b->cap < was.cap + was.cap / 4;
	oom_put_buf(b);
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

static void buffers(void)
{
	faults_sweep("percu_buf_get", get_op);
	faults_sweep("percu_buf_reserve", reserve_op);
	faults_sweep("percu_buf_append", append_op);
	faults->noted = 0;
	faults_sweep("percu_buf_append, large", grow_op);
	CU_ASSERT_TRUE(faults->noted > 0);
	printf("(%lu grew less) ", faults->noted);
	faults_sweep("percu_buf_printf", printf_op);
}

/* Slices. --------------------------------------------------------------- */

static void oom_put_slice(struct percu_slice s)
{
	errno = EDOM;
	percu_slice_put(s);
	child_must(errno == EDOM);
}

/* A slice of a buffer that could not be filled, or of one that stays. */
static void oom_of(struct percu_buf *b, size_t off, size_t len, size_t show)
{
	struct percu_buf was;
	struct percu_slice s;

	if (faults_refused(percu_buf_append(b, patterned, len), ENOMEM))
		return;
	was = *b;
	s = percu_slice_of(b, off, show);
	if (faults_refused(!s.block, errno)) {
		child_must(same_buf(b, &was));
		child_must(!memcmp(b->data, patterned, len));
		percu_buf_reset(b);
		return;
	}
	child_must(shows(s, off, show) && !b->len);
	oom_put_slice(s);
}

static void of_op(void)
{
	PERCU_BUF_ONSTACK(b, 100);

	oom_of(&b, 10, 100, 90);     /* a copy from the stack */
	oom_of(&b, 100, 500, 300);   /* shared */
	oom_of(&b, 0, 20000, 20000); /* shared */
	oom_of(&b, 9, 20000, 20);    /* a copy for the ratio, or shared */
	oom_of(&b, 0, LARGE, LARGE); /* a large one */
	oom_of(&b, 0, LARGE, 1);
	percu_buf_release(&b);
}

static struct percu_slice oom_slice(void)
{
	struct percu_slice s = { NULL, 0, NULL };
	PERCU_BUF_ONSTACK(b, 16);

	if (faults_refused(percu_buf_append(&b, patterned, 20000), ENOMEM))
		return s;
	s = percu_slice_of(&b, 0, 20000);
	faults_refused(!s.block, errno);
	return s;
}

/* Sharing needs no memory, so a part is always had. */
static void sub_op(void)
{
	struct percu_slice s = oom_slice(), sub[20], dup;
	uint64_t made = retained().clones, clones;

	if (!s.block)
		return;
	for (int i = 0; i < 20; i++) {
		errno = EDOM;
		sub[i] = percu_slice_sub(s, (size_t)i, 10);
		child_must(errno == EDOM);
		child_must(shows(sub[i], (size_t)i, 10));
	}
	clones = retained().clones - made;
	child_must(clones == 20 || os_fault_fired());
	for (int i = 0; i < 20; i++)
		clones -= sub[i].block != s.block;
	child_must(!clones);
	dup = percu_slice_dup(s);
	child_must(shows(dup, 0, 20000));
	oom_put_slice(s);
	oom_put_slice(dup);
	for (int i = 0; i < 20; i++)
		oom_put_slice(sub[i]);
	child_must(retains(0, 0, 0));
}

static void clone_op(void)
{
	static const size_t lens[] = { 1, 100, 3000, 20000 };
	struct percu_slice s = oom_slice(), part, c[4];

	for (int i = 0; i < 4 && s.block; i++) {
		part = percu_slice_sub(s, 0, lens[i]);
		c[i] = percu_slice_clone(part);
		percu_slice_put(part);
		if (faults_refused(!c[i].block, errno))
			child_must(is_null(c[i]));
		else
			child_must(shows(c[i], 0, lens[i]));
	}
	for (int i = 0; i < 4 && s.block; i++)
		oom_put_slice(c[i]);
	oom_put_slice(s);
	child_must(retains(0, 0, 0));
}

static void slices(void)
{
	faults_sweep("percu_slice_of", of_op);
	faults_sweep("percu_slice_sub, _dup", sub_op);
	faults_sweep("percu_slice_clone", clone_op);
}

static const CU_TestInfo tests[] = { { "buffers, call by call", buffers },
				     { "slices, call by call", slices },
				     CU_TEST_INFO_NULL };

int main(void)
{
	return bufs_main("buf_oom", tests);
}
