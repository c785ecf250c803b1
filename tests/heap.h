/* SPDX-License-Identifier: MIT */
/*
 * tests/heap.h - what the tests of the page heap share
 *
 * The shadow of a span is its number of pages and a stamp, which its pages
 * carry while it is out: overlap destroys a stamp, and a page that is handed
 * out as zero and is not still has one.
 *
 * A test that needs a heap of a certain state, or breaks it, runs in a forked
 * child and says what it found in memory that it shares with the test.
 */
#ifndef PERCU_TESTS_HEAP_H
#define PERCU_TESTS_HEAP_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "slab/arena.h"
#include "slab/heap.h"
#include "sys/os.h"
#include "tests/check.h"

#define MIB ((size_t)1 << 20)

struct shadow {
	struct span *span;
	size_t pages;
	uint64_t stamp;
};

static inline uint64_t *page_words(const struct span *s, size_t page)
{
	return (uint64_t *)(s->start + page * PAGE_SIZE_);
}

enum {
	LAST_WORD = PAGE_SIZE_ / sizeof(uint64_t) - 1
};

/* Both ends of each page say whose it is. */
static inline void stamp_span(const struct shadow *sh)
{
	for (size_t i = 0; i < sh->pages; i++)
		page_words(sh->span, i)[0] =
			page_words(sh->span, i)[LAST_WORD] = sh->stamp + i;
}

static inline bool stamp_holds(const struct shadow *sh)
{
	for (size_t i = 0; i < sh->pages; i++)
		if (page_words(sh->span, i)[0] != sh->stamp + i ||
		    page_words(sh->span, i)[LAST_WORD] != sh->stamp + i)
			return false;
	return true;
}

static inline bool is_zero(const struct span *s, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		if (page_words(s, i)[0] || page_words(s, i)[LAST_WORD])
			return false;
	return true;
}

/* The map knows the span at each of its pages, first byte and last. */
static inline bool map_exact(const struct span *s, size_t pages, uint8_t class_)
{
	for (size_t i = 0; i < pages; i++) {
		uintptr_t p = s->start + i * PAGE_SIZE_;

		if (span_of((void *)p) != s ||
		    span_of((void *)(p + PAGE_SIZE_ - 1)) != s ||
		    arena_of(p)->class[page_of(p)] != class_)
			return false;
	}
	return true;
}

static inline struct heap_stats stats(void)
{
	struct heap_stats st;

	heap_stats(&st);
	return st;
}

/* Runs fn(shared) in a child; false if the child crashed. */
static inline bool child_ok(void (*fn)(void *arg), void *arg)
{
	char out[2048];
	int status = check_fork(fn, arg, out, sizeof(out));

	if (WIFEXITED(status) && !WEXITSTATUS(status) && !out[0])
		return true;
	printf("\n    child: status %#x, said \"%s\"\n", (unsigned int)status,
	       out);
	return false;
}

static inline void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CU_ASSERT_NOT_EQUAL_FATAL(p, MAP_FAILED);
	return p;
}

#endif /* PERCU_TESTS_HEAP_H */
