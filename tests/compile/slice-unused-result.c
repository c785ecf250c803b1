/* SPDX-License-Identifier: MIT */
/* A slice is lost at once. */
/* expect: -Wunused-result */
/* expect-clang: -Wunused-result */
#include <percu/buf.h>

void work(struct percu_slice s)
{
	percu_slice_dup(s);
}
