/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/nghttp2.h - nghttp2 sessions from percu
 *
 *	nghttp2_mem mem = percu_hook_nghttp2();
 *
 *	nghttp2_session_server_new3(&session, callbacks, user, option, &mem);
 *
 * The choice is the session's, or the header compressor's (nghttp2_hd_deflate_new2(),
 * nghttp2_hd_inflate_new2()), and is copied into it.  nghttp2_session_del() gives
 * all back.  Callbacks and options are made before there is a session, and come
 * from malloc().
 */
#ifndef PERCU_HOOK_NGHTTP2_H
#define PERCU_HOOK_NGHTTP2_H

#include <nghttp2/nghttp2.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/**
 * percu_hook_nghttp2() - an nghttp2_mem
 *
 * Return: what the functions that end in new3 and new2 want to point to; it
 * need not outlive the call.
 */
static inline nghttp2_mem percu_hook_nghttp2(void)
{
	nghttp2_mem mem;

	mem.mem_user_data = NULL;
	mem.malloc = percu_hook_malloc_ctx;
	mem.free = percu_hook_free_ctx;
	mem.calloc = percu_hook_calloc_ctx;
	mem.realloc = percu_hook_realloc_ctx;
	return mem;
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_NGHTTP2_H */
