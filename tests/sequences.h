/* SPDX-License-Identifier: MIT */
/*
 * tests/sequences.h - the restartable sequences that this program has
 *
 * Each has left a pointer to its descriptor in __rseq_cs_ptr_array, be it the
 * library's or inlined into the test.
 */
#ifndef PERCU_TESTS_SEQUENCES_H
#define PERCU_TESTS_SEQUENCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel's struct rseq_cs. */
struct sequence {
	uint32_t version, flags;
	uint64_t start, length, abort;
};

/* Weak: a library without rseq has none. */
extern struct sequence *const __start___rseq_cs_ptr_array[]
	__attribute__((weak, visibility("hidden")));
extern struct sequence *const __stop___rseq_cs_ptr_array[]
	__attribute__((weak, visibility("hidden")));

static inline size_t nr_sequences(void)
{
	return (size_t)(__stop___rseq_cs_ptr_array -
			__start___rseq_cs_ptr_array);
}

static inline const struct sequence *sequence(size_t i)
{
	return __start___rseq_cs_ptr_array[i];
}

/* Where the kernel sends who was interrupted in a sequence? */
static inline bool is_abort(uintptr_t ip)
{
	for (size_t i = 0; i < nr_sequences(); i++)
		if (sequence(i)->abort == ip)
			return true;
	return false;
}

#endif /* PERCU_TESTS_SEQUENCES_H */
