/* SPDX-License-Identifier: MIT */
/*
 * tests/small/starve.c - memory for vec/ that is refused now and then
 *
 * One request in starve_one_in fails, drawn for each thread; 0: none does.
 */
#include <stddef.h>
#include <stdint.h>

#include <percu/alloc.h>

#include "tests/check.h"
#include "tests/vec_torture.h"

unsigned int starve_one_in;

void *vec_alloc(size_t size);
void *vec_alloc(size_t size)
{
	static __thread struct check_rand rand;
	unsigned int n = __atomic_load_n(&starve_one_in, __ATOMIC_RELAXED);

	if (!rand.state)
		rand.state = check_seed() + (uintptr_t)&rand;
	return n && !check_rand_below(&rand, n) ? NULL : percu_alloc(size);
}
