/* SPDX-License-Identifier: MIT */
/* tests/mallocs.h - what tests of libpercu-malloc.so share */
#ifndef PERCU_TESTS_MALLOCS_H
#define PERCU_TESTS_MALLOCS_H

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#include "tests/check.h"

/*
 * Valgrind puts its own malloc in place of every other, and so there is
 * nothing of percu to test: a program ends with this.
 */
static inline void mallocs_valgrind(void)
{
	if (!RUNNING_ON_VALGRIND)
		return;
	puts("skipped: under Valgrind every malloc is Valgrind's");
	exit(0);
}

enum {
	FILLED = 4096
};

/*
 * The block's bytes become what says which block it is; and are they still?
 * Of a long one the first and the last FILLED.
 */
static inline void block_fill(void *ptr, size_t size, unsigned int tag)
{
	unsigned char *p = ptr;

	for (size_t i = 0; i < size; i++) {
		if (i == FILLED && size > 2 * FILLED)
			i = size - FILLED;
		p[i] = (unsigned char)(tag * 31 + i % 251);
	}
}

/* size: of what it was filled with at least. */
static inline bool block_is(const void *ptr, size_t size, unsigned int tag)
{
	const unsigned char *p = ptr;

	for (size_t i = 0; i < size && i < FILLED; i++)
		if (p[i] != (unsigned char)(tag * 31 + i % 251))
			return false;
	return true;
}

/* The same of its end as well: size is what it was filled with. */
static inline bool block_whole(const void *ptr, size_t size, unsigned int tag)
{
	const unsigned char *p = ptr;

	for (size_t i = size > FILLED ? size - FILLED : 0; i < size; i++)
		if (p[i] != (unsigned char)(tag * 31 + i % 251))
			return false;
	return block_is(ptr, size, tag);
}

/* Bytes of this process that are in memory. */
static inline size_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size, pages = 0;

	CU_ASSERT_FATAL(f && fscanf(f, "%lu %lu", &size, &pages) == 2);
	fclose(f);
	return pages * (size_t)getpagesize();
}

#endif /* PERCU_TESTS_MALLOCS_H */
