/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/zstd.h - zstd's contexts from percu
 *
 *	ZSTD_CCtx *c = ZSTD_createCCtx_advanced(percu_hook_zstd());
 *	ZSTD_DCtx *d = ZSTD_createDCtx_advanced(percu_hook_zstd());
 *
 * The choice is the context's; its ZSTD_free...() gives all back.  The functions
 * that end in _advanced are for those who link zstd statically, says zstd, for
 * they may change; shared libraries export them all the same.
 *
 * A compression context is hundreds of kilobytes.  Who compresses at a high rate
 * keeps contexts in a pool of foreign objects (percu_pool_attr.create).
 */
#ifndef PERCU_HOOK_ZSTD_H
#define PERCU_HOOK_ZSTD_H

/* This makes zstd.h declare more, even where it was included before. */
#ifndef ZSTD_STATIC_LINKING_ONLY
#define ZSTD_STATIC_LINKING_ONLY
#endif
#include <zstd.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/**
 * percu_hook_zstd() - a ZSTD_customMem
 *
 * Return: what the functions that end in _advanced take.
 */
static inline ZSTD_customMem percu_hook_zstd(void)
{
	ZSTD_customMem mem;

	mem.customAlloc = percu_hook_ctx_malloc;
	mem.customFree = percu_hook_ctx_free;
	mem.opaque = NULL;
	return mem;
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_ZSTD_H */
