/* SPDX-License-Identifier: MIT */
/* What malloc() returned is put as a buffer. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_buf *b = must(calloc(1, sizeof(*b)));

	expect("percu_buf_put(%p): is no buffer", (void *)b);
	percu_buf_put(b);
	missed();
}
