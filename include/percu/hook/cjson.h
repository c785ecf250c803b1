/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/cjson.h - cJSON's memory from percu
 *
 *	percu_hook_cjson();			before any other call
 *
 * What cJSON_Print() returns is freed by cJSON_free() or percu_free().  With
 * hooks cJSON does without realloc(): a text that grows while it is printed is
 * allocated anew and copied (cJSON_PrintBuffered() takes a guess of its length).
 */
#ifndef PERCU_HOOK_CJSON_H
#define PERCU_HOOK_CJSON_H

/* Debian has it in a folder of its own, and cJSON's own tree has not. */
#if defined(__has_include)
#if __has_include(<cjson/cJSON.h>)
#include <cjson/cJSON.h>
#else
#include <cJSON.h>
#endif
#else
#include <cjson/cJSON.h>
#endif
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/**
 * percu_hook_cjson() - let cJSON have its memory from percu
 *
 * Nobody notices a call that comes too late: what cJSON has had from malloc()
 * before it then frees by percu_free(), which reports it as misuse.
 *
 * Context: before any other call of cJSON, while no other thread uses it.
 */
static inline void percu_hook_cjson(void)
{
	cJSON_Hooks hooks;

	hooks.malloc_fn = percu_hook_malloc;
	hooks.free_fn = percu_hook_free;
	cJSON_InitHooks(&hooks);
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_CJSON_H */
