/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/curl.h - libcurl's memory from percu
 *
 *	percu_hook_curl(CURL_GLOBAL_DEFAULT);	instead of curl_global_init()
 *
 * Only curl's first initialisation chooses.  If curl_global_init() has run before,
 * in this program or in a library that it uses, or if curl_easy_init() has run it
 * for want of one, this counts one user more, says CURLE_OK and changes nothing.
 *
 * What curl_easy_escape() and the like return is freed by curl_free().  The
 * libraries that curl uses (OpenSSL, nghttp2, zlib) are not meant by this.
 *
 * curl_global_cleanup(), as often as curl was initialised, gives all back.
 */
#ifndef PERCU_HOOK_CURL_H
#define PERCU_HOOK_CURL_H

#include <curl/curl.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/**
 * percu_hook_curl() - curl_global_init() with memory from percu
 * @flags: as curl_global_init()
 *
 * Context: before any other call of curl; since 7.84 threads may, elsewhere
 * while no other thread uses curl.
 * Return: as curl_global_init_mem().
 */
static inline PERCU_MUST_CHECK CURLcode percu_hook_curl(long flags)
{
	return curl_global_init_mem(flags, percu_hook_malloc, percu_hook_free,
				    percu_hook_realloc, percu_hook_strdup,
				    percu_hook_calloc);
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_CURL_H */
