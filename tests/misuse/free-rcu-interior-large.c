/* SPDX-License-Identifier: MIT */
/* A pointer into a large block is freed after a grace period. */
#include "tests/misuse/misuse.h"

int main(void)
{
	char *ptr = must(percu_alloc(100000));

	expect("percu_free_rcu(%p): points into a block of %zu bytes at %p",
	       (void *)(ptr + 8192), large_size(100000), (void *)ptr);
	percu_free_rcu(hide(ptr + 8192));
	missed();
}
