/* SPDX-License-Identifier: MIT */
/* A block goes to free(). */
/* expect: -Wmismatched-dealloc */
#include <stdlib.h>
#include <percu/alloc.h>

void work(void)
{
	void *p = percu_alloc(64);

	free(p);
}
