/* SPDX-License-Identifier: MIT */
/*
 * slab/meta.h - memory for percu's own records
 *
 * Zeroed, aligned to 64 bytes, never given back to the system: what was freed
 * is used again for the same size (rounded up to a power of two, or to 64
 * bytes below 256).
 */
#ifndef PERCU_SLAB_META_H
#define PERCU_SLAB_META_H

#include <stddef.h>
#include <stdint.h>

void *meta_alloc(size_t size);        /* NULL: no memory */
void meta_free(void *p, size_t size); /* size as given to meta_alloc() */
void meta_stock(size_t size);         /* that much at hand, or what there is */
void meta_account(ptrdiff_t bytes);   /* mapped by others for percu itself */
uint64_t meta_sys(void);              /* bytes obtained from the system */

void meta_lock(void); /* fork */
void meta_unlock(void);
void meta_lock_reinit(void);

#endif /* PERCU_SLAB_META_H */
