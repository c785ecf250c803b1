/* SPDX-License-Identifier: MIT */
/*
 * bench/limit.c - the limit behind a call
 *
 * Linked into percu-bench it is behind a static call, as limit.so behind a
 * shared library's.  The thread-local stack is reached the cheapest way that
 * each form has: at a constant offset, or at one that is loaded.
 */
#include "bench/limit.h"

static __thread struct limit stack __attribute__((tls_model("initial-exec")));

void *limit_get(void)
{
	return limit_pop(&stack);
}

void limit_put(void *p)
{
	limit_push(&stack, p);
}
