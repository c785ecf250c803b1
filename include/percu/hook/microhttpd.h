/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/microhttpd.h - libmicrohttpd sends percu's buffers
 *
 *	r = percu_hook_mhd_buf(b);
 *	if (!r)
 *		percu_buf_put(b);
 *
 * libmicrohttpd has no hook for its own memory.  What it sends it need not copy:
 * a response of a block or a buffer of percu gives it back when its last
 * connection is done with it, and the last MHD_destroy_response() was called.
 */
#ifndef PERCU_HOOK_MICROHTTPD_H
#define PERCU_HOOK_MICROHTTPD_H

#include <microhttpd.h>
#include <percu/buf.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/* private: MHD_ContentReaderFreeCallback */
static inline void percu_hook_mhd_put(void *buf)
{
	percu_buf_put((struct percu_buf *)buf);
}

/* public: */

/**
 * percu_hook_mhd_block() - a response of a block
 * @block: what percu_alloc() returned; the response frees it
 * @len: bytes of it
 *
 * Return: the response; NULL, and then the caller still owns the block.
 */
static inline PERCU_MUST_CHECK struct MHD_Response *
percu_hook_mhd_block(void *block, size_t len)
{
	return MHD_create_response_from_buffer_with_free_callback_cls(
		len, block, percu_hook_free, block);
}

/**
 * percu_hook_mhd_buf() - a response of a buffer
 * @buf: what percu_buf_get() returned; the response puts it
 *
 * Return: the response; NULL, and then the caller still owns the buffer.
 */
static inline PERCU_MUST_CHECK struct MHD_Response *
percu_hook_mhd_buf(struct percu_buf *buf)
{
	return MHD_create_response_from_buffer_with_free_callback_cls(
		buf->len, buf->data, percu_hook_mhd_put, buf);
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_MICROHTTPD_H */
