/* SPDX-License-Identifier: MIT */
/* A buffer is appended to after it was put. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_buf *b = must(percu_buf_get(100)), *put = hide(b);

	if (MISUSE_ASAN)
		misuse_exit("ASan says it first", MISUSE_SKIP);
	expect("percu_buf_append(%p): the buffer was put before", (void *)b);
	percu_buf_put(b);
	if (!percu_buf_append(put, "x", 1))
		missed();
	return 1;
}
