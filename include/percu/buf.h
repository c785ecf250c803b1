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
 *
 * Not for: a vfork() child; a signal handler that cannot live with EAGAIN (a
 * miss that has interrupted percu itself fails).
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
 * @data: its bytes, aligned to 16; changes when it grows; NULL while @cap is 0
 * @len: bytes in use, at most @cap; the owner may set it
 * @cap: bytes that there are
 *
 * One thread uses it at a time.
 */
struct percu_buf {
	unsigned char *data;
	size_t len, cap;
	/* private: */
	void *storage; /* what data lies in; NULL: nothing, or the stack */
	uint32_t kind; /* whose the struct is */
};

/* private: percu_buf.kind of a struct that is not percu's */
enum {
	PERCU_BUF_STACK = 0x7374636b,
};
/* public: */

/**
 * percu_buf_put() - give a buffer back
 * @b: what percu_buf_get() returned, or NULL
 *
 * Its storage goes back to the class of the capacity that it has now.  Putting
 * a buffer twice, and what is no buffer, are misuse: see
 * Documentation/misuse.md for when each is found.
 *
 * Context: any thread.  May take locks.  errno is left alone.
 */
PERCU_API void percu_buf_put(struct percu_buf *b);

/**
 * percu_buf_release() - give a buffer's storage back and keep the buffer
 * @b: the buffer; its capacity is 0 from then on, and it can be filled again
 *
 * Context: any thread.  May take locks.  errno is left alone.
 */
PERCU_API PERCU_NONNULL(1) void percu_buf_release(struct percu_buf *b);

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
 * @size: bytes on the stack, a constant above 0
 *
 * It asks for memory only when it outgrows them.  What it then has is given
 * back at the end of its scope; percu_buf_release(&name) does so before.
 * Slices of bytes on the stack are copies.
 */
#define PERCU_BUF_ONSTACK(name, size)                                        \
	unsigned char name##_stack_[size] __attribute__((__aligned__(16)));  \
	struct percu_buf name __attribute__((                                \
		__cleanup__(percu_buf_release))) = { name##_stack_, 0, size, \
						     NULL, PERCU_BUF_STACK }

/**
 * percu_buf_reserve() - have room for @cap bytes in all
 * @b: the buffer
 * @cap: bytes; rounded up to the size class
 *
 * Context: any thread.  May take locks and ask the system for memory.
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
 * Where there is no memory for that much, it grows to what is needed.
 *
 * Context: as percu_buf_reserve().
 * Return: 0; -ENOMEM; -EOVERFLOW.  Then the buffer is as it was.
 */
PERCU_API PERCU_NONNULL(1) int percu_buf_append(struct percu_buf *b,
						const void *ptr, size_t n);

/**
 * percu_buf_printf() - add formatted text at the end, without its '\0'
 * @b: the buffer; grows as with percu_buf_append(), to have room for a '\0'
 *	behind the text too
 * @fmt: as printf(); strings that lie in the buffer itself must end there
 *
 * Context: as percu_buf_reserve().
 * Return: 0; -ENOMEM; -EOVERFLOW; -EINVAL where printf() fails.  Then the
 * buffer is as it was.
 */
PERCU_API PERCU_NONNULL(1)
	__attribute__((__format__(__printf__, 2, 3))) int percu_buf_printf(
		struct percu_buf *b, const char *fmt, ...);

/**
 * percu_buf_vprintf() - percu_buf_printf() with the arguments as a list
 * @b: as percu_buf_printf()
 * @fmt: as vprintf()
 * @ap: as vprintf(): of no more use afterwards but for va_end()
 *
 * Context: as percu_buf_reserve().
 * Return: as percu_buf_printf().
 */
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
 * Pass it by value, and leave its members as they are: percu_slice_sub() makes
 * a smaller one.  Each slice that a function here returns is one reference, to
 * be given to percu_slice_put() once; copying the struct makes none.
 *
 * A slice of no bytes refers to nothing: it is the null slice, all zeroes, and
 * putting it does nothing.  A function that returns it because it was asked for
 * no bytes leaves errno alone.
 *
 * Any number of threads may read a slice, and dup and sub it, while somebody
 * has a reference that is put only after that.  What was written to the bytes
 * before they became a slice, and what was read of them before a put, happens
 * before what the next owner of the memory does.
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
 * are so few of the storage that the retention ratio asks for a copy.  Bytes
 * on the stack stay the buffer's room.  The buffer can be filled again at
 * once; else it gets new storage.
 *
 * Context: any thread.  May take locks and ask the system for memory.
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
 * Shares the block; clones where the ratio of percu_slice_set_ratio() says so
 * and there is memory for it.
 *
 * Context: any thread.  May take locks and ask the system for memory.
 * Return: the slice; the null slice with errno ERANGE.
 */
PERCU_API PERCU_MUST_CHECK struct percu_slice
percu_slice_sub(struct percu_slice s, size_t off, size_t len);

/**
 * percu_slice_dup() - one more reference to the same bytes
 * @s: the slice, which stays
 *
 * Context: any thread.  Takes no lock.
 * Return: the slice.
 */
PERCU_API PERCU_MUST_CHECK struct percu_slice
percu_slice_dup(struct percu_slice s);

/**
 * percu_slice_clone() - a copy of the bytes, which shares nothing
 * @s: the slice, which stays
 *
 * Context: any thread.  May take locks and ask the system for memory.
 * Return: the slice; the null slice with errno ENOMEM.
 */
PERCU_API PERCU_MUST_CHECK struct percu_slice
percu_slice_clone(struct percu_slice s);

/**
 * percu_slice_put() - give a reference back
 * @s: the slice; the last one of a block frees it
 *
 * Putting a slice more often than it was had, and what is no slice, are
 * misuse: see Documentation/misuse.md for when each is found.
 *
 * Context: any thread.  May take locks.  errno is left alone.
 */
PERCU_API void percu_slice_put(struct percu_slice s);

/**
 * percu_slice_set_ratio() - when a small part of a large block is cloned
 * @ratio: a slice that keeps more than @ratio times the bytes alive that it
 *	shows is a clone; 0 never clones.  64 at start.
 *
 * Blocks below 4096 bytes are shared at any ratio.
 *
 * Context: any thread.  Slices that there are stay as they are.
 * Return: the ratio before.
 */
PERCU_API unsigned int percu_slice_set_ratio(unsigned int ratio);

/**
 * struct percu_slice_stats - retention
 * @slices: references that are out
 * @blocks: blocks that they keep alive
 * @shown: bytes that the references show; bytes shown twice count twice
 * @held: bytes of the blocks, each once, as percu_memstats() counts them; what
 *	percu needs to count a block's references is a part of it
 * @clones: copies that the ratio has made, ever
 */
struct percu_slice_stats {
	uint64_t slices, blocks, shown, held, clones;
};

/**
 * percu_slice_stats() - how much memory slices hold, and how much they show
 * @st: where it goes
 *
 * Exact when no other thread uses slices; else off by no more than what is had
 * and put during the call.
 *
 * Context: any thread.  Takes no lock, stops nobody.
 */
PERCU_API PERCU_NONNULL(1) void percu_slice_stats(struct percu_slice_stats *st);

/* What percu_auto(buf) and percu_auto(slice) call; see <percu/cleanup.h>. */
static inline void percu_auto_buf(void *p)
{
	percu_buf_put(*(struct percu_buf **)p);
}

static inline void percu_auto_slice(void *p)
{
	percu_slice_put(*(struct percu_slice *)p);
}

PERCU_END_DECLS

#endif /* PERCU_BUF_H */
