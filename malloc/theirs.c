/* SPDX-License-Identifier: MIT */
/*
 * malloc/theirs.c - another malloc comes first
 *
 * The program's own, or that of a library before this one.  It may have fewer
 * functions, the rest of which are ours then: what they hand out goes to its
 * free(), and so has to come from its malloc().  What cannot be made of that is
 * refused: to give an address that is aligned takes a free() that knows, and to
 * copy a block takes its size.
 *
 * Whose a function is its address does not tell: a program may have one of its
 * own for a function that it only calls.  Its blocks tell.  While they are
 * asked, which is at start as a rule, functions of ours do as if malloc were
 * ours, and so give percu's blocks.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "malloc/malloc.h"

void *(*const volatile everybodys_malloc)(size_t) = malloc;
void *(*const volatile everybodys_realloc)(void *, size_t) = realloc;
static void (*const volatile everybodys_free)(void *) = free;
static size_t (*const volatile everybodys_size)(void *) = malloc_usable_size;
static void *(*const volatile everybodys_memalign)(size_t, size_t) = memalign;
static void *(*const volatile everybodys_aligned_alloc)(size_t,
							size_t) = aligned_alloc;
static int (*const volatile everybodys_posix_memalign)(void **, size_t,
						       size_t) = posix_memalign;

uint8_t malloc_whose;
static unsigned int have; /* (a) enum theirs; THEIRS_FREE: until it came back */

static bool is_ours(const void *ptr)
{
	return span_of(ptr) || early_is(ptr);
}

static uint8_t whose(void)
{
	return __atomic_load_n(&malloc_whose, __ATOMIC_RELAXED);
}

unsigned int theirs_have(void)
{
	return __atomic_load_n(&have, __ATOMIC_RELAXED);
}

/* A block that a function gave when it was asked: is the function theirs? */
static unsigned int which(void *ptr, enum theirs fn)
{
	if (!ptr)
		return 0;
	if (is_ours(ptr)) {
		ours_free(ptr);
		return 0;
	}
	everybodys_free(ptr);
	return fn;
}

/* ptr: of their malloc. */
static void ask_all(void *ptr)
{
	unsigned int found = everybodys_size(ptr) ? THEIRS_SIZE : 0;
	void *p = NULL;

	__atomic_store_n(&have, THEIRS_FREE, __ATOMIC_RELAXED);
	everybodys_free(ptr);
	found |= which(everybodys_realloc(NULL, 1), THEIRS_REALLOC);
	found |= which(everybodys_memalign(32, 32), THEIRS_MEMALIGN);
	found |= which(everybodys_aligned_alloc(32, 32), THEIRS_ALIGNED_ALLOC);
	if (!everybodys_posix_memalign(&p, 32, 32))
		found |= which(p, THEIRS_POSIX_MEMALIGN);
	__atomic_or_fetch(&have, found, __ATOMIC_RELAXED);
}

__attribute__((noinline, cold)) bool malloc_ask(void)
{
	uint8_t none = 0, is;
	void *ptr;

	/* Relaxed, all of it: who comes a moment too early gets percu's. */
	if (!__atomic_compare_exchange_n(&malloc_whose, &none, WHOSE_ASKED,
					 false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		return none != WHOSE_THEIRS;
	ptr = everybodys_malloc(1);
	is = !ptr ? 0 : is_ours(ptr) ? WHOSE_OURS : WHOSE_THEIRS;
	if (is == WHOSE_THEIRS)
		ask_all(ptr);
	else
		everybodys_free(ptr);
	__atomic_store_n(&malloc_whose, is, __ATOMIC_RELAXED);
	return is != WHOSE_THEIRS; /* without memory: until there is some */
}

bool theirs_is(const void *ptr)
{
	return !span_of(ptr) && (!malloc_is_ours() || whose() == WHOSE_ASKED);
}

bool theirs_free(void *ptr)
{
	if (!theirs_is(ptr))
		return false;
	if (whose() == WHOSE_ASKED) /* it came back: they have none */
		__atomic_and_fetch(&have, ~THEIRS_FREE, __ATOMIC_RELAXED);
	else if (theirs_have() & THEIRS_FREE)
		everybodys_free(ptr);
	return true;
}

static void *refuse(void)
{
	errno = ENOMEM;
	return NULL;
}

void *theirs_calloc(size_t bytes)
{
	void *ptr = everybodys_malloc(bytes);

	return ptr ? memset(ptr, 0, bytes) : NULL;
}

void *theirs_realloc(void *ptr, size_t size)
{
	size_t old;
	void *new;

	if (theirs_have() & THEIRS_REALLOC)
		return everybodys_realloc(ptr, size);
	if (!ptr)
		return everybodys_malloc(size);
	if (!(theirs_have() & THEIRS_SIZE))
		return refuse();
	old = everybodys_size(ptr);
	new = everybodys_malloc(size);
	if (new) {
		memcpy(new, ptr, size < old ? size : old);
		theirs_free(ptr);
	}
	return new;
}

/* align: a power of two. */
void *theirs_aligned(size_t align, size_t size)
{
	unsigned int has = theirs_have();
	size_t whole = (size + align - 1) & ~(align - 1);
	void *ptr = NULL;

	if (align <= MALLOC_ALIGN)
		return everybodys_malloc(size);
	if (size > PTRDIFF_MAX - align)
		return refuse();
	if (has & THEIRS_MEMALIGN)
		return everybodys_memalign(align, size);
	if (has & THEIRS_POSIX_MEMALIGN)
		return everybodys_posix_memalign(&ptr, align, size) ? refuse() :
								      ptr;
	if (has & THEIRS_ALIGNED_ALLOC)
		return everybodys_aligned_alloc(align, whole);
	return refuse();
}
