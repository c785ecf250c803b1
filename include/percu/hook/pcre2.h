/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/pcre2.h - PCRE2's memory from percu
 *
 *	pcre2_general_context *g = percu_hook_pcre2();
 *	pcre2_compile_context *c = pcre2_compile_context_create(g);
 *	pcre2_code *code = pcre2_compile(..., c);
 *	pcre2_match_data *m = pcre2_match_data_create_from_pattern(code, g);
 *
 * What is made from the general context, or from what was made from it, is
 * percu's: a pattern that is compiled without a compile context comes from
 * malloc().  What pcre2_match() needs when its frames are many is the match
 * data's, and before PCRE2 10.41 the match context's.  Code that is compiled to instructions comes from mmap(), as ever.
 *
 * Each is given back by its own ..._free().
 */
#ifndef PERCU_HOOK_PCRE2_H
#define PERCU_HOOK_PCRE2_H

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <pcre2.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/**
 * percu_hook_pcre2() - a general context whose memory comes from percu
 *
 * Return: the context, itself from percu, for pcre2_general_context_free();
 * what is made from it need not be freed first.  NULL without memory.
 */
static inline PERCU_MUST_CHECK pcre2_general_context *percu_hook_pcre2(void)
{
	return pcre2_general_context_create(percu_hook_malloc_ctx,
					    percu_hook_free_ctx, NULL);
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_PCRE2_H */
