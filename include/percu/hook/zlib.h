/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/zlib.h - zlib streams from percu
 *
 *	z_stream s = { 0 };
 *
 *	percu_hook_zlib(&s);
 *	inflateInit(&s);
 *
 * The choice is the stream's: threads that inflate and deflate on streams of
 * their own share nothing.  A deflate stream is five blocks, four of them of
 * up to 64 KiB; who opens and closes streams at a high rate does better to keep
 * them, reset, in a pool of foreign objects.
 *
 * gzopen(), compress() and uncompress() make their streams themselves, and
 * take them from malloc().
 */
#ifndef PERCU_HOOK_ZLIB_H
#define PERCU_HOOK_ZLIB_H

#include <zlib.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/* private: zlib's sizes are two of 32 bits */
static inline voidpf percu_hook_zlib_alloc(voidpf ctx, uInt items, uInt size)
{
	size_t bytes;

	if (__builtin_mul_overflow((size_t)items, (size_t)size, &bytes))
		return Z_NULL;
	return percu_hook_ctx_malloc(ctx, bytes);
}

/* public: */

/**
 * percu_hook_zlib() - let a stream have its memory from percu
 * @stream: one that is not initialised yet
 *
 * Sets zalloc, zfree and opaque.  deflateEnd() and inflateEnd() give all back.
 */
static inline void percu_hook_zlib(z_streamp stream)
{
	stream->zalloc = percu_hook_zlib_alloc;
	stream->zfree = percu_hook_ctx_free;
	stream->opaque = Z_NULL;
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_ZLIB_H */
