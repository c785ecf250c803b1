/* SPDX-License-Identifier: MIT */
/*
 * buf/slice.c - counted slices of blocks
 *
 * A block is what slices look into: a head with the number of references, and
 * bytes.  Where the head lies differs:
 *
 *	apart	it is a small block of its own and points to the storage that a
 *		buffer has given up.  Not in front of the storage: there it
 *		would cost every buffer 16 bytes, sliced or not, and make each
 *		request for a power of two spill into the next class, an eighth
 *		more.  Apart it costs one allocation from the CPU's record,
 *		when a buffer becomes a block.
 *	copy	it is in front of the bytes, one allocation for both: clones
 *		are small, and nobody asks for their capacity.
 *
 * The bytes of either begin at a multiple of 16.
 *
 * Who calls has a reference, so the count that is raised is not 0, and nothing
 * has to be ordered.  When it is lowered, what the thread did with the bytes
 * happens before what whoever frees the block, and gets its memory next, does:
 * each decrement releases, and the last one, which reads them all, acquires.
 *
 * What the figures count is in pool/retention.h.
 *
 * Words
 *	block	a head and its bytes; lives while there are references
 *	size	bytes of a block that slices can show or keep: of a copy the
 *		head is among them
 *	thin	showing so little of a block that the ratio wants a copy
 */
#include <errno.h>
#include <string.h>

#include <percu/alloc.h>
#include <percu/buf.h>

#include "pool/pool.h"
#include "pool/retention.h"
#include "sys/conf.h"
#include "sys/report.h"

enum {
	BLOCK_APART = 0x61706172,
	BLOCK_COPY = 0x636f7079,
	BLOCK_DEAD = 0x64656164,
	THIN_MIN = 4096,     /* smaller blocks are shared at any ratio */
	REFS_MAX = 1u << 31, /* references; more are a leak */
};

struct block {
	uint32_t refs; /* (a) first: a test writes it */
	uint32_t kind; /* (c) until the last reference is put */
	size_t size;   /* (c) bytes that were asked for, a class */
};

struct apart {
	struct block head;
	unsigned char *storage; /* (c) */
};

static_assert(sizeof(struct block) % 16 == 0, "a copy's bytes are aligned");

static const struct percu_slice none;

static unsigned int ratio_now = 64; /* (a) */

/* Misuse. -------------------------------------------------------------------- */

/* As buf_kind(): a block that is gone is percu's to report. */
static __attribute__((no_sanitize("address"))) uint32_t
block_kind(const struct block *b)
{
	return b->kind;
}

static __attribute__((noinline, noreturn, cold)) void
block_misuse(const char *fn, const struct block *b, uint32_t kind)
{
	if (kind == BLOCK_DEAD)
		report_misuse("%s(): %p has no references left", fn, b);
	report_misuse("%s(): %p is no block of slices", fn, b);
}

/* Debug: what percu does not know is not even looked at. */
static __attribute__((noinline, cold)) void
known_check(const char *fn, const struct percu_slice *s)
{
	if (!span_of(s->block))
		block_misuse(fn, s->block, 0);
}

/* Debug: the members are as a function here made them. */
static __attribute__((noinline, cold)) void
bounds_check(const char *fn, const struct percu_slice *s)
{
	const struct block *b = s->block;
	uintptr_t from = (uintptr_t)b, at = (uintptr_t)s->ptr;

	if (b->kind == BLOCK_APART)
		from = (uintptr_t)((const struct apart *)b)->storage;
	if (at < from || at - from > b->size || s->len > b->size - (at - from))
		report_misuse("%s(): %zu bytes at %p do not lie in block %p",
			      fn, s->len, s->ptr, s->block);
}

/* The block of a slice that is not the null slice. */
static struct block *block_of(const char *fn, const struct percu_slice *s)
{
	struct block *b = s->block;
	uint32_t kind;

	if (unlikely(conf.debug))
		known_check(fn, s);
	kind = block_kind(b);
	if (unlikely(kind != BLOCK_APART && kind != BLOCK_COPY))
		block_misuse(fn, b, kind);
	if (unlikely(conf.debug))
		bounds_check(fn, s);
	return b;
}

/* Blocks. ---------------------------------------------------------------------- */

/* Bytes that a block keeps from others. */
static size_t block_bytes(const struct block *b)
{
	if (b->kind == BLOCK_COPY)
		return b->size;
	return b->size + percu_good_size(sizeof(struct apart));
}

/* A block begins with one reference. */
static struct percu_slice block_begin(struct block *b, const unsigned char *ptr,
				      size_t len)
{
	b->refs = 1;
	retention_block_in(block_bytes(b), len);
	return (struct percu_slice){ ptr, len, b };
}

static struct percu_slice block_copy(const unsigned char *ptr, size_t len)
{
	size_t size = percu_good_size(sizeof(struct block) + len);
	struct block *b;

	if (!size) {
		errno = ENOMEM;
		return none;
	}
	b = percu_alloc(size);
	if (!b)
		return none;
	b->kind = BLOCK_COPY;
	b->size = size;
	memcpy(b + 1, ptr, len);
	return block_begin(b, (unsigned char *)(b + 1), len);
}

/* len: of the last slice. */
static void block_end(struct block *b, size_t len)
{
	bool apart = b->kind == BLOCK_APART;

	retention_block_out(block_bytes(b), len);
	b->kind = BLOCK_DEAD;
	if (!apart) {
		percu_free_sized(b, b->size);
		return;
	}
	percu_free_sized(((struct apart *)b)->storage, b->size);
	percu_free_sized(b, sizeof(struct apart));
}

/* Retention. -------------------------------------------------------------------- */

static bool thin(size_t size, size_t len)
{
	/* Relaxed: a number by itself. */
	size_t most = __atomic_load_n(&ratio_now, __ATOMIC_RELAXED);

	if (size < THIN_MIN || !most)
		return false;
	return !__builtin_mul_overflow(len, most, &most) && size > most;
}

/* The copy that the ratio asks for; the null slice where there is no memory. */
static __attribute__((noinline)) struct percu_slice
thin_copy(const unsigned char *ptr, size_t len)
{
	struct percu_slice s;
	int err = errno;

	s = block_copy(ptr, len);
	errno = err;
	if (s.block)
		retention_clone();
	return s;
}

PERCU_API unsigned int percu_slice_set_ratio(unsigned int ratio)
{
	/* Relaxed: see thin(). */
	return __atomic_exchange_n(&ratio_now, ratio, __ATOMIC_RELAXED);
}

PERCU_API void percu_slice_stats(struct percu_slice_stats *st)
{
	struct retention sum;

	retention_read(&sum);
	*st = (struct percu_slice_stats){ .slices = sum.slices,
					  .blocks = sum.blocks,
					  .shown = sum.shown,
					  .held = sum.held,
					  .clones = sum.clones };
}

/* From a buffer. ------------------------------------------------------------------ */

/* The storage becomes the block's, and the buffer has none. */
static struct percu_slice storage_share(struct percu_buf *b, size_t off,
					size_t len)
{
	struct apart *apart = percu_alloc(sizeof(*apart));

	if (!apart)
		return none;
	apart->head.kind = BLOCK_APART;
	apart->head.size = b->cap;
	apart->storage = b->storage;
	b->data = b->storage = NULL;
	b->len = b->cap = 0;
	return block_begin(&apart->head, apart->storage + off, len);
}

static struct percu_slice stack_copy(struct percu_buf *b, size_t off,
				     size_t len)
{
	struct percu_slice s = block_copy(b->data + off, len);

	if (s.block)
		b->len = 0;
	return s;
}

static struct percu_slice storage_copy(struct percu_buf *b, size_t off,
				       size_t len)
{
	struct percu_slice s = thin_copy(b->data + off, len);

	if (s.block)
		percu_buf_release(b);
	return s;
}

/* No bytes: nothing refers to the storage. */
static struct percu_slice storage_skip(struct percu_buf *b)
{
	if (b->storage)
		percu_buf_release(b);
	b->len = 0;
	return none;
}

PERCU_API struct percu_slice percu_slice_of(struct percu_buf *b, size_t off,
					    size_t len)
{
	struct percu_slice s = none;

	if (unlikely(b->len > b->cap))
		report_misuse(
			"percu_slice_of(%p): its length %zu is above its capacity %zu",
			b, b->len, b->cap);
	if (off > b->len || len > b->len - off) {
		errno = ERANGE;
		return none;
	}
	if (!len)
		return storage_skip(b);
	if (!b->storage)
		return stack_copy(b, off, len);
	if (thin(b->cap, len))
		s = storage_copy(b, off, len);
	return s.block ? s : storage_share(b, off, len);
}

/* From a slice. --------------------------------------------------------------------- */

static struct percu_slice share(const char *fn, struct block *b,
				const unsigned char *ptr, size_t len)
{
	/* Relaxed: the caller has a reference; see the head of this file. */
	uint32_t refs = __atomic_fetch_add(&b->refs, 1, __ATOMIC_RELAXED);

	/* 0 too: the last one has gone since it was looked at. */
	if (unlikely(refs - 1 >= REFS_MAX - 1))
		report_misuse("%s(): %p has %u references", fn, b, refs);
	retention_slice_in(len);
	return (struct percu_slice){ ptr, len, b };
}

PERCU_API struct percu_slice percu_slice_dup(struct percu_slice s)
{
	if (!s.block)
		return none;
	return share("percu_slice_dup", block_of("percu_slice_dup", &s), s.ptr,
		     s.len);
}

PERCU_API struct percu_slice percu_slice_sub(struct percu_slice s, size_t off,
					     size_t len)
{
	struct percu_slice copy;
	struct block *b;

	if (off > s.len || len > s.len - off) {
		errno = ERANGE;
		return none;
	}
	if (!len)
		return none;
	b = block_of("percu_slice_sub", &s);
	if (thin(b->size, len)) {
		copy = thin_copy(s.ptr + off, len);
		if (copy.block)
			return copy;
	}
	return share("percu_slice_sub", b, s.ptr + off, len);
}

PERCU_API struct percu_slice percu_slice_clone(struct percu_slice s)
{
	if (!s.block)
		return none;
	block_of("percu_slice_clone", &s);
	return block_copy(s.ptr, s.len);
}

PERCU_API void percu_slice_put(struct percu_slice s)
{
	struct block *b;
	uint32_t refs;

	if (!s.block)
		return;
	b = block_of("percu_slice_put", &s);
	/*
	 * Release: what this thread did with the bytes; pairs with the acquire
	 * of the same decrement by whoever puts the last reference.
	 */
	refs = __atomic_fetch_sub(&b->refs, 1, __ATOMIC_ACQ_REL);
	if (refs > 1) {
		retention_slice_out(s.len);
		return;
	}
	/* 0: of two threads that put the last one, this came second. */
	if (unlikely(!refs))
		block_misuse("percu_slice_put", b, BLOCK_DEAD);
	block_end(b, s.len);
}
