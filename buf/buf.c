/* SPDX-License-Identifier: MIT */
/*
 * buf/buf.c - byte buffers that grow
 *
 * A buffer is a struct and, apart from it, its storage: one block of the size
 * classes, exactly a class long, so that all of it is capacity and a power of
 * two asked for is a power of two had.  Storage has no head: what a slice needs
 * to count its references is allocated when there is a slice (slice.c).
 *
 * The structs are blocks of their class too, and no typed pool.  The classes
 * are there before any constructor runs, in a child after fork and on every
 * CPU without being made first, so a first get here makes nothing, takes no
 * lock that others do not take, and cannot be late.  What a typed pool would
 * find, a struct that is put twice and a pointer to something else, the
 * struct's kind finds, and at once.
 *
 * Growing never moves a block.  The new storage is filled while the old is
 * still there, and only then takes its place: so what is appended may lie in
 * the buffer itself, and a call that fails has changed nothing.
 *
 * Words
 *	storage		what the bytes lie in: a block, or the stack
 *	kind		whose the struct is: percu's (BUF_OUT), nobody's any
 *			more (BUF_PUT), the program's (PERCU_BUF_STACK)
 *	spare		capacity behind the length
 *	need		the length that there must be room for
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <percu/alloc.h>
#include <percu/buf.h>

#include "pool/pool.h"
#include "sys/report.h"

enum {
	BUF_OUT = 0x6f757462,
	BUF_PUT = 0x64656164,
	STORAGE_MIN = 16,      /* smaller classes are aligned to less */
	DOUBLE_MAX = 64 << 10, /* capacity up to which it doubles */
	STRUCT_SIZE = sizeof(struct percu_buf),
};

struct storage {
	unsigned char *data;
	size_t cap;
};

/* Misuse. -------------------------------------------------------------------- */

/* Of a struct that was put, ASan has an opinion; this is to say it better. */
static __attribute__((no_sanitize("address"))) uint32_t
buf_kind(const struct percu_buf *b)
{
	return b->kind;
}

static bool buf_known(const struct percu_buf *b)
{
	uint32_t kind = buf_kind(b);

	return kind == BUF_OUT || kind == PERCU_BUF_STACK;
}

static __attribute__((noinline, noreturn, cold)) void
buf_misuse(const char *fn, const struct percu_buf *b)
{
	if (buf_kind(b) == BUF_PUT)
		report_misuse("%s(%p): the buffer was put before", fn, b);
	report_misuse("%s(%p): is no buffer", fn, b);
}

/* A buffer that grows is one, and is not longer than it is. */
static void buf_check(const char *fn, const struct percu_buf *b)
{
	if (unlikely(!buf_known(b)))
		buf_misuse(fn, b);
	if (unlikely(b->len > b->cap))
		report_misuse(
			"%s(%p): its length %zu is above its capacity %zu", fn,
			b, b->len, b->cap);
}

/* Storage. --------------------------------------------------------------------- */

static int storage_get(struct storage *st, size_t cap)
{
	st->cap = percu_good_size(cap < STORAGE_MIN ? STORAGE_MIN : cap);
	if (!st->cap)
		return -EOVERFLOW;
	st->data = percu_alloc(st->cap);
	return st->data ? 0 : -errno;
}

static void storage_put(const struct storage *st)
{
	percu_free_sized(st->data, st->cap);
}

/* Where there is no block, or no memory, for that much: what is needed. */
static int storage_grow(const struct percu_buf *b, struct storage *st,
			size_t need)
{
	size_t cap = b->cap + (b->cap <= DOUBLE_MAX ? b->cap : b->cap / 4);

	if (cap > need && !storage_get(st, cap))
		return 0;
	return storage_get(st, need);
}

/* The buffer's bytes and room for more; it becomes the buffer's, or is put. */
static int storage_for(const char *fn, const struct percu_buf *b,
		       struct storage *st, size_t more)
{
	int err;

	buf_check(fn, b);
	if (more > SIZE_MAX - b->len)
		return -EOVERFLOW;
	err = storage_grow(b, st, b->len + more);
	if (!err && b->len)
		memcpy(st->data, b->data, b->len);
	return err;
}

static void storage_drop(struct percu_buf *b)
{
	if (b->storage)
		percu_free_sized(b->storage, b->cap);
}

static void storage_adopt(struct percu_buf *b, const struct storage *st)
{
	storage_drop(b);
	b->data = b->storage = st->data;
	b->cap = st->cap;
}

/* Get and put. ------------------------------------------------------------------ */

static void storage_end(struct percu_buf *b)
{
	storage_drop(b);
	b->data = b->storage = NULL;
	b->len = b->cap = 0;
}

PERCU_API void percu_buf_release(struct percu_buf *b)
{
	if (unlikely(!buf_known(b)))
		buf_misuse("percu_buf_release", b);
	storage_end(b);
}

PERCU_API void percu_buf_put(struct percu_buf *b)
{
	if (!b)
		return;
	if (unlikely(!buf_known(b)))
		buf_misuse("percu_buf_put", b);
	storage_end(b);
	if (b->kind == PERCU_BUF_STACK)
		return;
	b->kind = BUF_PUT;
	percu_free_sized(b, STRUCT_SIZE);
}

PERCU_API struct percu_buf *percu_buf_get(size_t cap)
{
	struct percu_buf *b = percu_alloc(STRUCT_SIZE);
	struct storage st = { NULL, 0 };
	int err;

	if (!b)
		return NULL;
	err = cap ? storage_get(&st, cap) : 0;
	if (err) {
		percu_free_sized(b, STRUCT_SIZE);
		errno = err == -EOVERFLOW ? ENOMEM : -err;
		return NULL;
	}
	*b = (struct percu_buf){ .data = st.data,
				 .cap = st.cap,
				 .storage = st.data,
				 .kind = BUF_OUT };
	return b;
}

/* Growing. ------------------------------------------------------------------------ */

PERCU_API int percu_buf_reserve(struct percu_buf *b, size_t cap)
{
	struct storage st;
	int err;

	if (cap <= b->cap)
		return 0;
	buf_check("percu_buf_reserve", b);
	err = storage_get(&st, cap);
	if (err)
		return err;
	if (b->len)
		memcpy(st.data, b->data, b->len);
	storage_adopt(b, &st);
	return 0;
}

static __attribute__((noinline)) int append_slow(struct percu_buf *b,
						 const void *ptr, size_t n)
{
	struct storage st;
	int err = storage_for("percu_buf_append", b, &st, n);

	if (err)
		return err;
	memcpy(st.data + b->len, ptr, n);
	storage_adopt(b, &st);
	b->len += n;
	return 0;
}

/* Both bounds are looked at: a length above the capacity goes the slow way. */
PERCU_API int percu_buf_append(struct percu_buf *b, const void *ptr, size_t n)
{
	if (!n)
		return 0;
	if (unlikely(n > b->cap || b->len > b->cap - n))
		return append_slow(b, ptr, n);
	/* The bytes may be some that lie behind the length. */
	memmove(b->data + b->len, ptr, n);
	b->len += n;
	return 0;
}

/* Text. -------------------------------------------------------------------------------- */

static int text_error(void)
{
	return errno == EOVERFLOW || errno == ENOMEM ? -errno : -EINVAL;
}

/*
 * It did not fit: n bytes and a '\0' are needed.  A text that is longer the
 * second time has been changed meanwhile.
 */
static __attribute__((noinline, format(printf, 3, 0))) int
text_slow(struct percu_buf *b, size_t n, const char *fmt, va_list ap,
	  int err_no)
{
	struct storage st;
	int said, err = storage_for("percu_buf_printf", b, &st, n + 1);

	if (err)
		return err;
	errno = err_no; /* what %m means */
	said = vsnprintf((char *)st.data + b->len, n + 1, fmt, ap);
	if (said < 0 || (size_t)said > n) {
		err = said < 0 ? text_error() : -EINVAL;
		storage_put(&st);
		return err;
	}
	storage_adopt(b, &st);
	b->len += (size_t)said;
	return 0;
}

PERCU_API int percu_buf_vprintf(struct percu_buf *b, const char *fmt,
				va_list ap)
{
	size_t spare = b->len < b->cap ? b->cap - b->len : 0;
	int said, err = errno;
	va_list again;

	va_copy(again, ap);
	said = vsnprintf(spare ? (char *)b->data + b->len : NULL, spare, fmt,
			 ap);
	if (said < 0) {
		err = text_error();
	} else if ((size_t)said < spare || !said) {
		b->len += (size_t)said;
		err = 0;
	} else {
		err = text_slow(b, (size_t)said, fmt, again, err);
	}
	va_end(again);
	return err;
}

PERCU_API int percu_buf_printf(struct percu_buf *b, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = percu_buf_vprintf(b, fmt, ap);
	va_end(ap);
	return err;
}
