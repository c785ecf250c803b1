/* SPDX-License-Identifier: MIT */
/* A buffer is put twice. */
/* expect: -Wanalyzer-double-free -Wuse-after-free */
#include <percu/buf.h>

void work(void)
{
	struct percu_buf *b = percu_buf_get(100);

	percu_buf_put(b);
	percu_buf_put(b);
}
