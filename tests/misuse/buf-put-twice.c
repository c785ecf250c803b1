/* SPDX-License-Identifier: MIT */
/* A buffer is put twice. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_buf *b = must(percu_buf_get(100)), *again = hide(b);

	expect("percu_buf_put(%p): the buffer was put before", (void *)b);
	percu_buf_put(b);
	percu_buf_put(again);
	missed();
}
