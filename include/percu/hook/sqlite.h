/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/sqlite.h - SQLite's memory from percu
 *
 *	if (percu_hook_sqlite() != SQLITE_OK)	before sqlite3_initialize()
 *		...
 *
 * SQLite asks its allocator for two truths.  xRoundup is the size that a
 * request will have, the class's; xSize is what a block really has, and all of
 * it is SQLite's to use.  What sqlite3_memory_used() says is therefore what
 * percu has handed out, to the byte.
 *
 * sqlite3_shutdown(), after the last connection is closed, gives all back.
 */
#ifndef PERCU_HOOK_SQLITE_H
#define PERCU_HOOK_SQLITE_H

#include <limits.h>
#include <sqlite3.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/* private: SQLite counts in int, and asks for 0 < size < INT_MAX */
static inline void *percu_hook_sqlite_malloc(int size)
{
	return percu_hook_malloc((size_t)size);
}

static inline void *percu_hook_sqlite_realloc(void *ptr, int size)
{
	return percu_hook_realloc(ptr, (size_t)size);
}

/* A block of just under 2 GiB may be more than an int can say. */
static inline int percu_hook_sqlite_size(void *ptr)
{
	size_t size = percu_usable_size(ptr);

	return size > INT_MAX ? INT_MAX : (int)size;
}

static inline int percu_hook_sqlite_roundup(int size)
{
	size_t good = percu_good_size((size_t)size);

	return good > INT_MAX ? size : (int)good;
}

static inline int percu_hook_sqlite_init(void *ctx)
{
	(void)ctx;
	return SQLITE_OK;
}

static inline void percu_hook_sqlite_shutdown(void *ctx)
{
	(void)ctx;
}

/* public: */

/**
 * percu_hook_sqlite() - let SQLite have its memory from percu
 *
 * Context: before SQLite is initialised, which its first use does, or after
 * sqlite3_shutdown(); while no other thread uses it.
 * Return: SQLITE_OK; SQLITE_MISUSE if it is too late, and nothing has changed.
 */
static inline PERCU_MUST_CHECK int percu_hook_sqlite(void)
{
	sqlite3_mem_methods methods;

	methods.xMalloc = percu_hook_sqlite_malloc;
	methods.xFree = percu_hook_free;
	methods.xRealloc = percu_hook_sqlite_realloc;
	methods.xSize = percu_hook_sqlite_size;
	methods.xRoundup = percu_hook_sqlite_roundup;
	methods.xInit = percu_hook_sqlite_init;
	methods.xShutdown = percu_hook_sqlite_shutdown;
	methods.pAppData = NULL;
	return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_SQLITE_H */
