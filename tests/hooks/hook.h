/* SPDX-License-Identifier: MIT */
/*
 * tests/hooks/hook.h - what the programs of this folder share
 *
 * Each lets one library, the real one, have its memory from percu and do some
 * work of its own.  Law, for every one of them:
 *
 *	the work comes out right
 *	the library's calls arrived: at least so many blocks were handed out
 *	after the library's own end, nothing of percu's is out
 *
 * A program has one thread where it says hook_begin() and hook_end().
 */
#ifndef PERCU_TESTS_HOOKS_HOOK_H
#define PERCU_TESTS_HOOKS_HOOK_H

#include <inttypes.h>
#include <percu/alloc.h>
#include <percu/pool.h>
#include <percu/stats.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define must(law)                                                          \
	do {                                                               \
		if (!(law)) {                                              \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#law);                                     \
			exit(1);                                           \
		}                                                          \
	} while (0)

static struct percu_memstats hook_start;

static inline struct percu_memstats hook_now(void)
{
	struct percu_memstats ms;

	must(percu_memstats(&ms) == 0);
	return ms;
}

static inline void hook_begin(void)
{
	hook_start = hook_now();
}

/* Blocks handed out since hook_begin(). */
static inline uint64_t hook_calls(void)
{
	return hook_now().mallocs - hook_start.mallocs;
}

/* Bytes out now, beyond what was at hook_begin(). */
static inline int64_t hook_bytes(void)
{
	return (int64_t)(hook_now().alloc - hook_start.alloc);
}

/* Blocks and objects out now, beyond what was at hook_begin(). */
static inline int64_t hook_blocks(void)
{
	return (int64_t)(hook_now().heap_objects - hook_start.heap_objects);
}

/* Under a tool a block ends where the size that was asked for does. */
static inline bool hook_cut(void)
{
	void *p = percu_alloc(1);
	bool cut = percu_usable_size(p) == 1;

	percu_free(p);
	return cut;
}

/* calls: at least so many.  The program's exit status. */
static inline int hook_end(const char *name, uint64_t calls)
{
	percu_barrier();
	printf("%s: %" PRIu64 " blocks, %" PRId64 " bytes still out\n", name,
	       hook_calls(), hook_bytes());
	must(hook_calls() >= calls);
	must(hook_bytes() == 0);
	must(hook_blocks() == 0);
	return 0;
}

/* Text that compresses: n bytes of it. */
static inline void hook_text(char *to, size_t n)
{
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		to[i] = "etaoin shrdlu"[x >> 24 & x >> 12 & 7];
	}
}

#endif /* PERCU_TESTS_HOOKS_HOOK_H */
