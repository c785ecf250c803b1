/* SPDX-License-Identifier: MIT */
/* A buffer is lost. */
/* expect: -Wanalyzer-malloc-leak */
#include <percu/buf.h>

int work(void)
{
	struct percu_buf *b = percu_buf_get(100);

	if (!b)
		return -1;
	b->len = 1;
	return b->data[0];
}
