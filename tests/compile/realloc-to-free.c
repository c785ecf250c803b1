/* SPDX-License-Identifier: MIT */
/* What percu_realloc() returned goes to free(). */
/* expect: -Wmismatched-dealloc */
#include <stdlib.h>
#include <percu/alloc.h>

void work(void)
{
	void *p = percu_realloc(0, 64);

	free(p);
}
