/* SPDX-License-Identifier: MIT */
/* A buffer has been given a length above its capacity. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_buf *b = must(percu_buf_get(100));

	b->len = b->cap + 1;
	expect("percu_buf_append(%p): its length %zu is above its capacity %zu",
	       (void *)b, b->len, b->cap);
	if (!percu_buf_append(b, "x", 1))
		missed();
	percu_buf_put(b);
}
