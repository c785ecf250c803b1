/* SPDX-License-Identifier: MIT */
/*
 * bench/kit.h - Concurrency Kit, where its headers are installed
 *
 * Its epochs have no thread that reclaims: who retires polls, and calls back.
 */
#ifndef BENCH_KIT_H
#define BENCH_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool kit_there(void);
const void *
kit_code(void); /* something of its library; NULL: it is not there */

/* The calling thread's record. */
void kit_enter(void);
void kit_leave(void);

/* n times malloc, and free after all sections that are open now. */
void kit_retire(uint64_t n);
void kit_barrier(void); /* all that the calling thread has retired is free */

/* A ck_array of the n pointers, and a walk over it: in no section. */
struct kit_array;
struct kit_array *kit_array_make(void *const *slot, size_t n);
void kit_array_free(struct kit_array *a);
void kit_array_each(void *array, uint64_t iters); /* contestant.fn */
/* The i-th of order, under a section each; mask: of its length. */
void kit_array_get(struct kit_array *a, const uint32_t *order, size_t mask,
		   uint64_t iters);
/* The one writer: appends obj, and removes it; readers are in sections. */
void kit_array_edit(struct kit_array *a, void *obj);

#endif /* BENCH_KIT_H */
