/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/shape.h - the shapes in which libraries ask for memory
 *
 * A library that lets its user choose the allocator asks in one of a few
 * shapes.  They are here once, and the other headers of this folder fit them
 * to one library each:
 *
 *	malloc		(size), (n, size), (ptr, size), (ptr), (string)
 *	ctx first	(ctx, size), (ctx, ptr)
 *	ctx last	(size, ctx), (ptr, ctx) and so on
 *	sized		(ptr, old size, new size)
 *	at		(size, file, line) and so on
 *
 * A library that has no header here needs no more than the functions below.
 *
 * What libraries on Linux are used to from malloc() holds here as well:
 * NULL and ENOMEM for want of memory and for n * size that overflows, a unique
 * pointer for size 0, and realloc(ptr, 0) frees.
 *
 * What comes from a hook is freed through it, or by percu_free(), and never by
 * free(): a string that a library has made for its caller is percu's too.
 *
 * Context, of all of them: as percu_alloc() and percu_free().
 */
#ifndef PERCU_HOOK_SHAPE_H
#define PERCU_HOOK_SHAPE_H

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <percu/alloc.h>

PERCU_BEGIN_DECLS

/* malloc. ------------------------------------------------------------------ */

/**
 * percu_hook_malloc() - malloc()
 * @size: bytes
 *
 * Return: as percu_alloc().
 */
static inline void *percu_hook_malloc(size_t size)
{
	return percu_alloc(size);
}

/**
 * percu_hook_calloc() - calloc()
 * @n: how many
 * @size: bytes of each
 *
 * Return: as percu_zalloc(); NULL and ENOMEM too where @n * @size overflows.
 */
static inline void *percu_hook_calloc(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return percu_zalloc(bytes);
}

/**
 * percu_hook_free() - free()
 * @ptr: what came from a hook, or NULL
 */
static inline void percu_hook_free(void *ptr)
{
	percu_free(ptr);
}

/**
 * percu_hook_realloc() - realloc()
 * @ptr: what came from a hook, or NULL
 * @size: bytes; 0 frees @ptr, if there is one
 *
 * Return: as percu_realloc(); NULL where it has freed.
 */
static inline void *percu_hook_realloc(void *ptr, size_t size)
{
	if (ptr && !size) {
		percu_free(ptr);
		return NULL;
	}
	return percu_realloc(ptr, size);
}

/**
 * percu_hook_strdup() - strdup()
 * @s: a string
 *
 * Return: as percu_alloc().
 */
static inline char *percu_hook_strdup(const char *s)
{
	size_t bytes = strlen(s) + 1;
	char *copy = (char *)percu_alloc(bytes);

	if (copy)
		memcpy(copy, s, bytes);
	return copy;
}

/* ctx first. --------------------------------------------------------------- */

/**
 * percu_hook_ctx_malloc() - malloc() with a context in front
 * @ctx: not looked at
 * @size: bytes
 *
 * Return: as percu_alloc().
 */
static inline void *percu_hook_ctx_malloc(void *ctx, size_t size)
{
	(void)ctx;
	return percu_alloc(size);
}

/**
 * percu_hook_ctx_free() - free() with a context in front
 * @ctx: not looked at
 * @ptr: what came from a hook, or NULL
 */
static inline void percu_hook_ctx_free(void *ctx, void *ptr)
{
	(void)ctx;
	percu_free(ptr);
}

/* ctx last. ---------------------------------------------------------------- */

/**
 * percu_hook_malloc_ctx() - malloc() with a context behind
 * @size: bytes
 * @ctx: not looked at
 *
 * Return: as percu_alloc().
 */
static inline void *percu_hook_malloc_ctx(size_t size, void *ctx)
{
	(void)ctx;
	return percu_alloc(size);
}

/**
 * percu_hook_calloc_ctx() - calloc() with a context behind
 * @n: how many
 * @size: bytes of each
 * @ctx: not looked at
 *
 * Return: as percu_hook_calloc().
 */
static inline void *percu_hook_calloc_ctx(size_t n, size_t size, void *ctx)
{
	(void)ctx;
	return percu_hook_calloc(n, size);
}

/**
 * percu_hook_realloc_ctx() - realloc() with a context behind
 * @ptr: what came from a hook, or NULL
 * @size: bytes
 * @ctx: not looked at
 *
 * Return: as percu_hook_realloc().
 */
static inline void *percu_hook_realloc_ctx(void *ptr, size_t size, void *ctx)
{
	(void)ctx;
	return percu_hook_realloc(ptr, size);
}

/**
 * percu_hook_free_ctx() - free() with a context behind
 * @ptr: what came from a hook, or NULL
 * @ctx: not looked at
 */
static inline void percu_hook_free_ctx(void *ptr, void *ctx)
{
	(void)ctx;
	percu_free(ptr);
}

/* sized. ------------------------------------------------------------------- */

/**
 * percu_hook_resize() - allocate, change and free in one function
 * @ptr: what it returned last, or NULL
 * @old: the size that it was last asked for; not looked at where @ptr is NULL
 * @size: the new size; 0 frees
 *
 * The free needs no look-up of the block's class.
 *
 * Return: as percu_realloc(); NULL where it has freed.
 */
static inline void *percu_hook_resize(void *ptr, size_t old, size_t size)
{
	if (size)
		return percu_realloc(ptr, size);
	if (ptr)
		percu_free_sized(ptr, old);
	return NULL;
}

/* at. ---------------------------------------------------------------------- */

/*
 * Who asks with file and line is OpenSSL, whose own allocator answers a size of
 * 0 with NULL.
 */

/**
 * percu_hook_malloc_at() - malloc() that is told the caller's place
 * @size: bytes; 0 gives NULL
 * @file: not looked at
 * @line: not looked at
 *
 * Return: as percu_alloc(), but for size 0.
 */
static inline void *percu_hook_malloc_at(size_t size, const char *file,
					 int line)
{
	(void)file;
	(void)line;
	return size ? percu_alloc(size) : NULL;
}

/**
 * percu_hook_realloc_at() - realloc() that is told the caller's place
 * @ptr: what came from a hook, or NULL
 * @size: bytes; 0 frees
 * @file: not looked at
 * @line: not looked at
 *
 * Return: as percu_realloc(); NULL for size 0.
 */
static inline void *percu_hook_realloc_at(void *ptr, size_t size,
					  const char *file, int line)
{
	(void)file;
	(void)line;
	if (size)
		return percu_realloc(ptr, size);
	percu_free(ptr);
	return NULL;
}

/**
 * percu_hook_free_at() - free() that is told the caller's place
 * @ptr: what came from a hook, or NULL
 * @file: not looked at
 * @line: not looked at
 */
static inline void percu_hook_free_at(void *ptr, const char *file, int line)
{
	(void)file;
	(void)line;
	percu_free(ptr);
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_SHAPE_H */
