/* SPDX-License-Identifier: MIT */
/* The size of a pointer into a large block. */
#include "tests/misuse/misuse.h"

int main(void)
{
	char *ptr = must(percu_alloc(100000));

	expect("percu_usable_size(%p): points into a block of %zu bytes at %p",
	       (void *)(ptr + 8192), large_size(100000), (void *)ptr);
	percu_usable_size(hide(ptr + 8192));
	missed();
}
