/* SPDX-License-Identifier: MIT */
/* A block of memory by size is put as a buffer. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_buf *b = must(percu_zalloc(sizeof(*b)));

	expect("percu_buf_put(%p): is no buffer", (void *)b);
	percu_buf_put(hide(b));
	missed();
}
