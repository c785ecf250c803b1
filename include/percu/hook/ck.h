/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/ck.h - Concurrency Kit's tables, safe to read under liburcu
 *
 *	#include <urcu.h>			the readers' flavor, first
 *	#include <percu/hook/ck.h>
 *
 *	PERCU_HOOK_CK(tables);
 *
 *	ck_ht_init(&ht, CK_HT_MODE_BYTESTRING, NULL, &tables, 64, seed);
 *
 * A table of Concurrency Kit (ck_array, ck_hs, ck_rhs, ck_ht) has one writer and
 * any number of readers.  When it grows, the writer replaces the map, and tells
 * its allocator that readers may still be in the old one: to defer the free is the
 * allocator's part.  This one does it by percu_free_rcu(), so that a reader inside
 * rcu_read_lock() and rcu_read_unlock() of the flavor in scope is safe.
 *
 * What the entries point to is the program's: it retires them itself.
 *
 * Readers of a ck_array take its entries by ck_array_buffer(), which looks at the
 * array once.  CK_ARRAY_FOREACH of 0.7 looks anew on each turn, and may take the
 * length of one array and the entries of another.
 */
#ifndef PERCU_HOOK_CK_H
#define PERCU_HOOK_CK_H

#include <ck_malloc.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/* private: the flavor is known where PERCU_HOOK_CK() is used */
static inline void percu_hook_ck_free(void *ptr, bool defer,
				      const struct rcu_flavor_struct *flavor)
{
	if (defer)
		percu_free_rcu_flavor(ptr, flavor);
	else
		percu_free(ptr);
}

/* In the place where it was nobody notices; else readers may be in the old. */
static inline void *
percu_hook_ck_realloc(void *ptr, size_t old, size_t size, bool defer,
		      const struct rcu_flavor_struct *flavor)
{
	void *copy;

	if (!ptr || !defer)
		return percu_hook_realloc(ptr, size);
	if (percu_usable_size(ptr) == percu_good_size(size))
		return ptr;
	copy = percu_alloc(size);
	if (copy) {
		memcpy(copy, ptr, size < old ? size : old);
		percu_free_rcu_flavor(ptr, flavor);
	}
	return copy;
}

/* public: */

/**
 * PERCU_HOOK_CK() - define a struct ck_malloc
 * @name: what it is to be called; it is static
 *
 * Its deferred frees wait for readers of the flavor in scope here; see
 * <percu/flavor.h>.  percu_barrier() waits until they are done.
 */
#define PERCU_HOOK_CK(name)                                                 \
	static void *name##_realloc(void *ptr, size_t old, size_t size,     \
				    bool defer)                             \
	{                                                                   \
		return percu_hook_ck_realloc(ptr, old, size, defer,         \
					     &rcu_flavor);                  \
	}                                                                   \
	static void name##_free(void *ptr, size_t size, bool defer)         \
	{                                                                   \
		(void)size;                                                 \
		percu_hook_ck_free(ptr, defer, &rcu_flavor);                \
	}                                                                   \
	static struct ck_malloc name = { percu_hook_malloc, name##_realloc, \
					 name##_free }

PERCU_END_DECLS

#endif /* PERCU_HOOK_CK_H */
