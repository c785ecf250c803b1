/* SPDX-License-Identifier: MIT */
/* A buffer is used without a look for NULL. */
/* expect: -Wanalyzer-possible-null-dereference */
#include <percu/buf.h>

void work(void)
{
	struct percu_buf *b = percu_buf_get(100);

	b->len = 0;
	percu_buf_put(b);
}
