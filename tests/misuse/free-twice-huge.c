/* SPDX-License-Identifier: MIT */
/* A block larger than an arena is freed twice: it is unmapped. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc((size_t)100 << 20));

	expect("percu_free(%p): no block is there; was it freed before?", ptr);
	first_free(ptr);
	percu_free(hide(ptr));
	missed();
}
