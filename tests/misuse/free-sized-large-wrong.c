/* SPDX-License-Identifier: MIT */
/* A large block is freed as another large one. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(100000));

	expect("a block of %zu bytes, %p, was freed as 200000 bytes",
	       large_size(100000), ptr);
	percu_free_sized(ptr, 200000);
	missed();
}
