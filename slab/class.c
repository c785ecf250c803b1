/* SPDX-License-Identifier: MIT */
/* slab/class.c - the size classes as data; scripts/mkclass.c has the rules */
#include "slab/class.h"

const uint32_t class_size[NR_CLASSES] = CLASS_SIZES;
const uint8_t class_pages[NR_CLASSES] = CLASS_PAGES;
const uint8_t class_small[CLASS_SMALL_MAX / 8 + 1] = CLASS_SMALL;
const uint8_t class_large[CLASS_MAX / 128 + 1] = CLASS_LARGE;
