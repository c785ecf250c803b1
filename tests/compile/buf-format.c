/* SPDX-License-Identifier: MIT */
/* A format and its argument differ. */
/* expect: -Wformat= */
/* expect-clang: -Wformat */
#include <percu/buf.h>

int work(struct percu_buf *b)
{
	return percu_buf_printf(b, "%s", 1);
}
