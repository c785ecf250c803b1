/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/jansson.h - Jansson's memory from percu
 *
 *	percu_hook_jansson();			before any other call
 *
 * What json_dumps() returns is freed by percu_free().
 */
#ifndef PERCU_HOOK_JANSSON_H
#define PERCU_HOOK_JANSSON_H

#include <jansson.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/**
 * percu_hook_jansson() - let Jansson have its memory from percu
 *
 * Nobody notices a call that comes too late: what Jansson has had from malloc()
 * before it then frees by percu_free(), which reports it as misuse.
 *
 * Context: before any other call of Jansson, while no other thread uses it.
 */
static inline void percu_hook_jansson(void)
{
	json_set_alloc_funcs(percu_hook_malloc, percu_hook_free);
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_JANSSON_H */
