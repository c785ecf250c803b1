/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/libxml2.h - libxml2's memory from percu
 *
 *	if (percu_hook_libxml2())		before xmlInitParser()
 *		...
 *
 * What libxml2 returns to its caller is freed by xmlFree() or percu_free().
 *
 * xmlCleanupParser(), when nothing of libxml2 is in use, gives all back.
 */
#ifndef PERCU_HOOK_LIBXML2_H
#define PERCU_HOOK_LIBXML2_H

#include <libxml/xmlmemory.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/**
 * percu_hook_libxml2() - let libxml2 have its memory from percu
 *
 * Nobody notices a call that comes too late: what libxml2 has had from
 * malloc() before it then frees by percu_free(), which reports it as misuse.
 *
 * Context: before any other call of libxml2, while no other thread uses it.
 * Return: 0.
 */
static inline PERCU_MUST_CHECK int percu_hook_libxml2(void)
{
	return xmlMemSetup(percu_hook_free, percu_hook_malloc,
			   percu_hook_realloc, percu_hook_strdup);
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_LIBXML2_H */
