/* SPDX-License-Identifier: MIT */
/*
 * tests/hoard.h - all memory that percu has, so that there is no more
 *
 * Blocks of every size are taken until the system, which refuses, is asked
 * for more.  What retirement still holds is waited for first.  This thread
 * should stay on its CPU: what is given back is for that CPU's use.
 */
#ifndef PERCU_TESTS_HOARD_H
#define PERCU_TESTS_HOARD_H

#include <stddef.h>
#include <stdint.h>

#include <percu/alloc.h>
#include <percu/pool.h>

#include "slab/class.h"
#include "sys/os.h"
#include "sys/tool.h"

enum {
	MEMORY = 1 << OS_RESERVE | 1 << OS_COMMIT | 1 << OS_MAP,
	NR_SIZES = 100,
};

struct block {
	struct block *next;
};

static size_t sizes[NR_SIZES], nr_sizes; /* ascending */
static struct block *hoard[NR_SIZES];

/* What to ask for, so that with a tool's redzone it is a whole class. */
static inline size_t whole(size_t size)
{
	size_t zone = tool_redzone() ? TOOL_REDZONE : 0;

	return class_size[class_of(size + zone)] - zone;
}

static inline void sizes_init(void)
{
	size_t size = sizeof(struct block);

	while (size <= 32768 - TOOL_REDZONE && nr_sizes < NR_SIZES - 8) {
		sizes[nr_sizes] = whole(size);
		size = sizes[nr_sizes++] + 1;
	}
	for (size = 40 << 10; size <= 8 << 20 && nr_sizes < NR_SIZES; size *= 3)
		sizes[nr_sizes++] = size;
}

static inline void hoard_all(void)
{
	percu_barrier();
	os_fault_arm(MEMORY, 1, true);
	for (size_t k = nr_sizes; k--;) {
		struct block *b;

		while ((b = percu_alloc(sizes[k]))) {
			b->next = hoard[k];
			hoard[k] = b;
		}
	}
	os_fault_disarm();
}

static inline void give_back(size_t k, size_t n)
{
	while (n-- && hoard[k]) {
		struct block *b = hoard[k];

		hoard[k] = b->next;
		percu_free(b);
	}
}

static inline void give_all_back(void)
{
	for (size_t k = 0; k < nr_sizes; k++)
		give_back(k, SIZE_MAX);
}

#endif /* PERCU_TESTS_HOARD_H */
