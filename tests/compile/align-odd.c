/* SPDX-License-Identifier: MIT */
/* No alignment is 3. */
/* expect-clang: -Wnon-power-of-two-alignment */
#include <percu/alloc.h>

void *work(void)
{
	return percu_alloc_aligned(3, 64);
}
