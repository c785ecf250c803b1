/* SPDX-License-Identifier: MIT */
/*
 * percu/hook/png.h - libpng's structs from percu
 *
 *	png_structp png = percu_hook_png_read(NULL, NULL, NULL);
 *
 * The choice is the struct's and holds for what is made from it: infos, rows, and
 * the zlib stream inside.  png_destroy_read_struct() and png_destroy_write_struct()
 * give all back.  The simplified interface (png_image_...) uses malloc().
 */
#ifndef PERCU_HOOK_PNG_H
#define PERCU_HOOK_PNG_H

#include <png.h>
#include <percu/hook/shape.h>

PERCU_BEGIN_DECLS

/* private: libpng takes a NULL, and makes its own error of it */
static inline png_voidp percu_hook_png_malloc(png_structp png,
					      png_alloc_size_t size)
{
	(void)png;
	return percu_hook_malloc(size);
}

static inline void percu_hook_png_free(png_structp png, png_voidp ptr)
{
	(void)png;
	percu_hook_free(ptr);
}

/* public: */

/**
 * percu_hook_png_read() - png_create_read_struct() with memory from percu
 * @arg: passed to @error and @warn
 * @error: as png_create_read_struct()
 * @warn: the same
 *
 * Return: the struct, or NULL.
 */
static inline PERCU_MUST_CHECK png_structp
percu_hook_png_read(png_voidp arg, png_error_ptr error, png_error_ptr warn)
{
	return png_create_read_struct_2(PNG_LIBPNG_VER_STRING, arg, error, warn,
					NULL, percu_hook_png_malloc,
					percu_hook_png_free);
}

/**
 * percu_hook_png_write() - png_create_write_struct() with memory from percu
 * @arg: passed to @error and @warn
 * @error: as png_create_write_struct()
 * @warn: the same
 *
 * Return: the struct, or NULL.
 */
static inline PERCU_MUST_CHECK png_structp
percu_hook_png_write(png_voidp arg, png_error_ptr error, png_error_ptr warn)
{
	return png_create_write_struct_2(PNG_LIBPNG_VER_STRING, arg, error,
					 warn, NULL, percu_hook_png_malloc,
					 percu_hook_png_free);
}

PERCU_END_DECLS

#endif /* PERCU_HOOK_PNG_H */
