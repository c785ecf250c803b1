/* SPDX-License-Identifier: MIT */
/* Buffers, on the stack and not, and slices of them, used rightly. */
/* expect: nothing */
/* expect-clang: nothing */
#include <percu/buf.h>
#include <percu/cleanup.h>

int line(int n)
{
	PERCU_BUF_ONSTACK(b, 64);

	if (percu_buf_printf(&b, "%d\n", n))
		return -1;
	return b.data[0];
}

int early(const char *text, size_t n)
{
	int err;
	PERCU_BUF_ONSTACK(b, 64);

	err = percu_buf_append(&b, text, n);
	percu_buf_release(&b);
	return err;
}

struct percu_slice keep(const void *text, size_t n)
{
	struct percu_slice none = { 0, 0, 0 }, s;
	struct percu_buf *b = percu_buf_get(n);

	if (!b)
		return none;
	if (percu_buf_append(b, text, n)) {
		percu_buf_put(b);
		return none;
	}
	s = percu_slice_of(b, 0, n);
	percu_buf_put(b);
	return s;
}

struct percu_slice part(struct percu_slice s)
{
	struct percu_slice head percu_auto(slice) = percu_slice_sub(s, 0, 20);
	struct percu_buf *b percu_auto(buf) = percu_buf_get(0);

	if (!b || percu_buf_append(b, head.ptr, head.len))
		return percu_slice_dup(head);
	return percu_slice_of(b, 0, head.len);
}
