/* SPDX-License-Identifier: MIT */
/* malloc/theirs.h - another malloc comes first: whose is what? */
#ifndef PERCU_MALLOC_THEIRS_H
#define PERCU_MALLOC_THEIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/hidden.h"

/* What can be lacking beside it, and not be made of it. */
enum theirs {
	THEIRS_FREE = 1 << 0,
	THEIRS_REALLOC = 1 << 1,
	THEIRS_SIZE = 1 << 2, /* malloc_usable_size() */
	THEIRS_MEMALIGN = 1 << 3,
	THEIRS_POSIX_MEMALIGN = 1 << 4,
	THEIRS_ALIGNED_ALLOC = 1 << 5,
	THEIRS_ALIGNED = THEIRS_MEMALIGN | THEIRS_POSIX_MEMALIGN |
			 THEIRS_ALIGNED_ALLOC,
};

enum whose {
	WHOSE_OURS = 1,
	WHOSE_THEIRS,
	WHOSE_ASKED, /* just now: what is called does as if it were ours */
};

extern uint8_t malloc_whose HIDDEN; /* (a) 0: nobody has asked */

bool malloc_ask(void);

/* Is what the program calls malloc that of this library? */
static inline bool malloc_is_ours(void)
{
	uint8_t whose = __atomic_load_n(&malloc_whose, __ATOMIC_RELAXED);

	return __builtin_expect(whose == WHOSE_OURS, 1) || malloc_ask();
}

/* As the program finds it: not bound inside the library. */
extern void *(*const volatile everybodys_malloc)(size_t size)HIDDEN;
extern void *(*const volatile everybodys_realloc)(void *ptr, size_t size)HIDDEN;

/* Where malloc is theirs: which of these there are. */
unsigned int theirs_have(void);
/* What is lacking, made of what there is; NULL and ENOMEM where it cannot be. */
void *theirs_calloc(size_t bytes);
void *theirs_realloc(void *ptr, size_t size);
void *theirs_aligned(size_t align, size_t size);

/* Not handed out here, and theirs: frees it; false if it is nobody's. */
bool theirs_free(void *ptr);
/* Not handed out here, and theirs, or nobody's. */
bool theirs_is(const void *ptr);

#endif /* PERCU_MALLOC_THEIRS_H */
