/* SPDX-License-Identifier: MIT */
/* What is allocated is not looked at. */
/* expect: -Wunused-result */
/* expect-clang: -Wunused-result */
#include <percu/alloc.h>

void work(void)
{
	percu_alloc(64);
}
