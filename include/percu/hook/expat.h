/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/expat.h - Expat's parsers from percu
 *
 *	XML_Parser p = percu_hook_expat(NULL, NULL);
 *
 * The choice is the parser's, and that of the parsers that are made from it for
 * external entities.  XML_ParserFree() gives all back.
 */
#ifndef PERCU_HOOK_EXPAT_H
#define PERCU_HOOK_EXPAT_H

#include <expat.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/**
 * percu_hook_expat() - XML_ParserCreate_MM() with memory from percu
 * @encoding: as XML_ParserCreate()
 * @separator: between namespace and name, the first character; NULL for no
 *	namespaces
 *
 * Return: the parser, or NULL.
 */
static inline PERCU_MUST_CHECK XML_Parser
percu_hook_expat(const XML_Char *encoding, const XML_Char *separator)
{
	XML_Memory_Handling_Suite suite;

	suite.malloc_fcn = percu_hook_malloc;
	suite.realloc_fcn = percu_hook_realloc;
	suite.free_fcn = percu_hook_free;
	return XML_ParserCreate_MM(encoding, &suite, separator);
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_EXPAT_H */
