/* SPDX-License-Identifier: MIT */
/* slab/class.h - size classes; the table itself is made by scripts/mkclass.c */
#ifndef PERCU_SLAB_CLASS_H
#define PERCU_SLAB_CLASS_H

#include <stddef.h>
#include <stdint.h>

#include "sys/hidden.h"

#include "slab/class_table.h" /* NR_CLASSES, CLASS_MAX, the two look-ups */

/*
 * class_table.h, generated:
 *	enum { NR_CLASSES = .., CLASS_MAX = 32768, CLASS_SMALL_MAX = 1024 };
 *	CLASS_SIZES	{ 8, 16, 32, ... }	bytes
 *	CLASS_PAGES	{ 1, 1, ... }		pages a span
 *	CLASS_SMALL	{ ... }		(size + 7) / 8 -> class, up to 1024
 *	CLASS_LARGE	{ ... }		(size + 127) / 128 -> class, above
 */
extern const uint32_t class_size[NR_CLASSES] HIDDEN;
extern const uint8_t class_pages[NR_CLASSES] HIDDEN;
extern const uint8_t class_small[CLASS_SMALL_MAX / 8 + 1] HIDDEN;
extern const uint8_t class_large[CLASS_MAX / 128 + 1] HIDDEN;

/* The least class that holds size, which is at most CLASS_MAX. */
static inline unsigned int class_of(size_t size)
{
	if (__builtin_expect(size <= CLASS_SMALL_MAX, 1))
		return class_small[(size + 7) / 8];
	return class_large[(size + 127) / 128];
}

#endif /* PERCU_SLAB_CLASS_H */
