/* SPDX-License-Identifier: MIT */
/* A buffer is used after it was put. */
/* expect: -Wanalyzer-use-after-free -Wuse-after-free */
#include <percu/buf.h>

size_t work(void)
{
	struct percu_buf *b = percu_buf_get(100);

	if (!b)
		return 0;
	percu_buf_put(b);
	return b->len;
}
