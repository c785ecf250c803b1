/* SPDX-License-Identifier: MIT */
/* What malloc() returned goes to percu_free(). */
/* expect: -Wmismatched-dealloc */
#include <stdlib.h>
#include <percu/alloc.h>

void work(void)
{
	void *p = malloc(64);

	percu_free(p);
}
