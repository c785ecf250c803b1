/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/uv.h - libuv's memory from percu, and pools of read buffers
 *
 *	percu_hook_uv();			before the first loop
 *
 *	PERCU_HOOK_UV_BUFFERS(reads, 65536);	at file scope
 *
 *	uv_read_start(stream, reads_alloc, on_read);
 *
 *	static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
 *	{
 *		...
 *		reads_free(buf);		on each call, whatever n is
 *	}
 *
 * libuv asks for a buffer of 64 KiB for each read and knows nothing of where
 * it comes from.  What it is given may be smaller: who reads small messages
 * takes small buffers, and the rest comes with the next read.
 *
 * A callback that nobody reads for (n is 0), or that brings an error, has the
 * buffer too, or one whose base is NULL.  With UV_UDP_RECVMMSG several callbacks
 * share one buffer: it is freed by the one that says UV_UDP_MMSG_FREE.
 *
 * uv_library_shutdown(), after the last uv_loop_close(), gives back all that
 * libuv has had.
 */
#ifndef PERCU_HOOK_UV_H
#define PERCU_HOOK_UV_H

#include <uv.h>
#include <percu/define.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/**
 * percu_hook_uv() - let libuv have its memory from percu
 *
 * libuv takes four functions or none, and these are four.  Nobody notices a
 * call that comes too late: what libuv has had from malloc() before it then
 * frees by percu_free(), which reports it as misuse.
 *
 * Context: before any other call of libuv, while no other thread uses it.
 * Return: 0.
 */
static inline PERCU_MUST_CHECK int percu_hook_uv(void)
{
	return uv_replace_allocator(percu_hook_malloc, percu_hook_realloc,
				    percu_hook_calloc, percu_hook_free);
}

PERCU_END_DECLS

/* private: ... ends with a comma */
#define PERCU_HOOK_UV_BUFFERS_(name, bytes, ...)                               \
	struct name {                                                          \
		char data[bytes];                                              \
	};                                                                     \
	PERCU_DEFINE_STATIC_(name, struct name, __VA_ARGS__);                  \
	PERCU_DEFINE_FN_ void name##_alloc(uv_handle_t *handle_, size_t size_, \
					   uv_buf_t *buf_)                     \
	{                                                                      \
		struct name *b_ = name##_get();                                \
                                                                               \
		(void)handle_;                                                 \
		(void)size_;                                                   \
		buf_->base = (char *)b_;                                       \
		buf_->len = b_ ? (bytes) : 0;                                  \
	}                                                                      \
	PERCU_DEFINE_FN_ void name##_free(const uv_buf_t *buf_)                \
	{                                                                      \
		name##_put((struct name *)(void *)buf_->base);                 \
	}                                                                      \
	PERCU_DEFINE_ASSERT_((bytes) > 0, "percu: a buffer of no bytes")

/* public: */

/**
 * PERCU_HOOK_UV_BUFFERS() - define a pool of buffers, and a uv_alloc_cb
 * @name: the pool's; what the functions' names begin with, and a struct's name
 * @bytes: of a buffer, at most 256 KiB
 * @...: further attributes, as PERCU_POOL_DEFINE()
 *
 * Defines the pool as PERCU_POOL_DEFINE() does, and besides
 *
 *	void name_alloc(uv_handle_t *, size_t, uv_buf_t *);	a uv_alloc_cb
 *	void name_free(const uv_buf_t *);	gives the buffer back
 *
 * Without memory, or at the pool's limit, the reader's callback is called with
 * UV_ENOBUFS.
 */
#define PERCU_HOOK_UV_BUFFERS(...) PERCU_HOOK_UV_BUFFERS_(__VA_ARGS__, )

#endif /* PERCU_HOOK_UV_H */
