/* SPDX-License-Identifier: MIT */
/* A buffer goes to percu_free(). */
/* expect: -Wmismatched-dealloc */
#include <percu/buf.h>
#include <percu/alloc.h>

void work(void)
{
	percu_free(percu_buf_get(100));
}
