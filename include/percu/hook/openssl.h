/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/openssl.h - OpenSSL's memory from percu
 *
 *	if (!percu_hook_openssl())		first of all
 *		...
 *
 * OpenSSL takes an allocator only while it has not allocated anything, and its
 * first allocation may be made by a library that initialises it, or by a
 * constructor.  So this comes first in main(), and its answer is looked at.
 *
 * Secure memory (OPENSSL_secure_malloc(), once CRYPTO_secure_malloc_init() has
 * made its arena) is left as it is: mapped, locked, and OpenSSL's own.
 *
 * OPENSSL_cleanup(), which otherwise runs at exit, gives all back.
 */
#ifndef PERCU_HOOK_OPENSSL_H
#define PERCU_HOOK_OPENSSL_H

#include <openssl/crypto.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/**
 * percu_hook_openssl() - let OpenSSL have its memory from percu
 *
 * Context: before OpenSSL allocates, while no other thread uses it.
 * Return: 1; 0 if it is too late, and nothing has changed.
 */
static inline PERCU_MUST_CHECK int percu_hook_openssl(void)
{
	return CRYPTO_set_mem_functions(percu_hook_malloc_at,
					percu_hook_realloc_at,
					percu_hook_free_at);
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_OPENSSL_H */
