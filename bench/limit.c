/* SPDX-License-Identifier: MIT */
/*
 * bench/limit.c - the limit behind a call
 *
 * Linked into percu-bench it is behind a static call, as limit.so behind a
 * shared library's.  The thread-local stack is at a constant offset in the
 * one, at an offset that is loaded in the other: the cheapest that each has.
 */
#include "bench/limit.h"

static __thread struct limit stack __attribute__((tls_model("initial-exec")));

void *limit_get(void)
{
	return limit_pop(limit_plain(&stack));
}

void limit_put(void *p)
{
	limit_push(limit_plain(&stack), p);
}
