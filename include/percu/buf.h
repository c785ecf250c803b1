/* SPDX-License-Identifier: MIT */
/*
 * percu/buf.h - byte buffers that grow, and counted slices of them
 *
 * A buffer is Go's []byte with append: bytes, a length, a capacity that grows
 * by itself.  It has one owner.  When it is put its storage goes back to the
 * size class of the capacity that it has then: a buffer that grew once does
 * not keep a large block for ever, and none is handed a block larger than it
 * asked for.
 *
 * A slice is a counted, read-only view of bytes.  The block that it looks into
 * lives as long as any slice of it does.  So a slice that shows a few bytes of
 * a large block keeps the block alive: this is counted (percu_slice_stats()),
 * and above a ratio that the program sets percu_slice_sub() clones by itself.
 *
 * What a Go program gets wrong cannot be written here: an append never writes
 * into bytes that a slice shows, for slices are taken from a buffer by giving
 * its block up to them; a slice cannot be written through; a clone shares
 * nothing.
 *
 * Best for: protocol buffers, requests passed between workers, parsing without
 * copying.
 */
#ifndef PERCU_BUF_H
#define PERCU_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <percu/compiler.h>

PERCU_BEGIN_DECLS

/**
 * struct percu_buf - a buffer
 * @data: its bytes; changes when it grows; NULL while @cap is 0
 * @len: bytes in use, at most @cap; the owner may set it
 * @cap: bytes that there are
 */
struct percu_buf {
	unsigned char *data;
	size_t len, cap;
	/* private: */
	void *storage; /* what data lies in; NULL: nothing, or the stack */
	uint32_t flags;
};

/**
 * percu_buf_put() - give a buffer back
 * @b: what percu_buf_get() returned, or a PERCU_BUF_ONSTACK() one, of which
 *	only the storage that it has outgrown to is given back; or NULL
 *
 * Context: any thread.  May take locks.  errno is left alone.
 */
PERCU_API void percu_buf_put(struct percu_buf *b);

/**
 * percu_buf_get() - take an empty buffer
 * @cap: bytes that it has room for at least; 0 for none yet
 *
 * Context: any thread.  May take locks and ask the system for memory.
 * Return: a buffer of length 0 that the caller owns; NULL with errno ENOMEM.
 */
PERCU_API PERCU_MUST_CHECK
	PERCU_FREED_BY(percu_buf_put,
		       1) struct percu_buf *percu_buf_get(size_t cap);

/**
 * PERCU_BUF_ONSTACK() - define a buffer that starts on the stack
 * @name: of the variable, a struct percu_buf
 * @size: bytes on the stack, a constant
 *
 * It asks for memory only when it outgrows them.  percu_buf_put(&name) at the
 * end of its scope gives back what it then has; slices of it copy.
 */
#define PERCU_BUF_ONSTACK(name, size)                    \
	unsigned char name##_stack_[size];               \
	struct percu_buf name = { .data = name##_stack_, \
				  .cap = (size),         \
				  .flags = PERCU_BUF_STACK }

/* private: percu_buf.flags */
enum {
	PERCU_BUF_STACK = 1 << 0, /* the struct is not percu's */
};
/* public: */

/**
 * percu_buf_reserve() - have room for @cap bytes in all
 * @b: the buffer
 * @cap: bytes
 *
 * Return: 0; -ENOMEM; -EOVERFLOW if no block can be that large.  Then the
 * buffer is as it was.
 */
PERCU_API PERCU_NONNULL(1) int percu_buf_reserve(struct percu_buf *b,
						 size_t cap);

/**
 * percu_buf_append() - add bytes at the end
 * @b: the buffer; grows to twice its capacity up to 64 KiB and by a quarter
 *	above, at least to what is needed, rounded up to the size class
 * @ptr: the bytes; may lie in the buffer itself
 * @n: how many
 *
 * Return: 0; -ENOMEM; -EOVERFLOW.  Then the buffer is as it was.
 */
PERCU_API PERCU_NONNULL(1) int percu_buf_append(struct percu_buf *b,
						const void *ptr, size_t n);

/**
 * percu_buf_printf() - add formatted text at the end, without its '\0'
 * @b: the buffer
 * @fmt: as printf()
 *
 * Return: 0; -ENOMEM; -EOVERFLOW; -EINVAL where printf() fails.  Then the
 * buffer is as it was.
 */
PERCU_API PERCU_NONNULL(1)
	__attribute__((__format__(__printf__, 2, 3))) int percu_buf_printf(
		struct percu_buf *b, const char *fmt, ...);

PERCU_API PERCU_NONNULL(1)
	__attribute__((__format__(__printf__, 2, 0))) int percu_buf_vprintf(
		struct percu_buf *b, const char *fmt, va_list ap);

/**
 * percu_buf_reset() - forget the bytes, keep the capacity
 * @b: the buffer
 */
static inline void percu_buf_reset(struct percu_buf *b)
{
	b->len = 0;
}

/**
 * struct percu_slice - a counted view of bytes
 * @ptr: the bytes; not '\0'-terminated
 * @len: how many
 *
 * Pass it by value.  Each slice that a function here returns is one reference,
 * to be given to percu_slice_put() once; copying the struct makes none.  A
 * slice of length 0 that refers to nothing is the null slice, all zeroes;
 * putting it does nothing.
 */
struct percu_slice {
	const unsigned char *ptr;
	size_t len;
	/* private: */
	void *block;
};

/**
 * percu_slice_of() - turn a buffer's bytes into a slice
 * @b: the buffer, which gives its storage up and is empty after it, its
 *	capacity 0; on failure it is as it was
 * @off: the first byte
 * @len: how many; @off + @len is at most the buffer's length
 *
 * Nothing is copied, except where the bytes are on the stack, or where they
 * are so few of the storage that the retention ratio asks for a copy.  The
 * buffer can be filled again at once; it gets new storage.
 *
 * Return: the slice; the null slice with errno ERANGE or ENOMEM.
 */
PERCU_API PERCU_MUST_CHECK PERCU_NONNULL(1) struct percu_slice
	percu_slice_of(struct percu_buf *b, size_t off, size_t len);

/**
 * percu_slice_sub() - a part of a slice
 * @s: the slice, which stays
 * @off: the first byte
 * @len: how many; @off + @len is at most @s.len
 *
 * Shares the block; clones where the ratio of percu_slice_set_ratio() says so.
 *
 * Return: the slice; the null slice with errno ERANGE, or ENOMEM where it was
 * to clone and there was no memory to share either.
 */
PERCU_API PERCU_MUST_CHECK struct percu_slice
percu_slice_sub(struct percu_slice s, size_t off, size_t len);

/**
 * percu_slice_dup() - one more reference to the same bytes
 * @s: the slice, which stays
 *
 * Return: the slice.
 */
PERCU_API PERCU_MUST_CHECK struct percu_slice
percu_slice_dup(struct percu_slice s);

/**
 * percu_slice_clone() - a copy of the bytes, which shares nothing
 * @s: the slice, which stays
 *
 * Return: the slice; the null slice with errno ENOMEM.
 */
PERCU_API PERCU_MUST_CHECK struct percu_slice
percu_slice_clone(struct percu_slice s);

/**
 * percu_slice_put() - give a reference back
 * @s: the slice; the last one of a block frees it
 *
 * Context: any thread.  errno is left alone.
 */
PERCU_API void percu_slice_put(struct percu_slice s);

/**
 * percu_slice_set_ratio() - when a small part of a large block is cloned
 * @ratio: a slice that keeps more than @ratio times the bytes alive that it
 *	shows is a clone; 0 never clones.  64 at start.
 *
 * Blocks below 4096 bytes are shared at any ratio.
 *
 * Return: the ratio before.
 */
PERCU_API unsigned int percu_slice_set_ratio(unsigned int ratio);

/**
 * struct percu_slice_stats - retention
 * @slices: references that are out
 * @blocks: blocks that they keep alive
 * @shown: bytes that the references show; bytes shown twice count twice
 * @held: bytes of the blocks, each once
 * @clones: copies that the ratio has made, ever
 */
struct percu_slice_stats {
	uint64_t slices, blocks, shown, held, clones;
};

/**
 * percu_slice_stats() - how much memory slices hold, and how much they show
 * @st: where it goes
 *
 * Exact when no other thread uses slices; each field valid at some moment of
 * the call else.
 */
PERCU_API PERCU_NONNULL(1) void percu_slice_stats(struct percu_slice_stats *st);

PERCU_END_DECLS

#endif /* PERCU_BUF_H */
