/* SPDX-License-Identifier: MIT */
/* No block can be that large. */
/* expect: -Walloc-size-larger-than= */
#include <percu/alloc.h>

void *work(void)
{
	return percu_alloc((size_t)-1);
}
