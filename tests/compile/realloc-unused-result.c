/* SPDX-License-Identifier: MIT */
/* The block may have moved. */
/* expect: -Wunused-result */
/* expect-clang: -Wunused-result */
#include <percu/alloc.h>

void grow(void *p)
{
	percu_realloc(p, 1000);
}
