/* SPDX-License-Identifier: MIT */
/* A struct of the program's own is put as a buffer. */
/* expect: -Wfree-nonheap-object */
#include <percu/buf.h>

void work(void)
{
	struct percu_buf b = { 0 };

	percu_buf_put(&b);
}
