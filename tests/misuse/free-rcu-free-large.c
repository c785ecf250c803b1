/* SPDX-License-Identifier: MIT */
/* A large block that waits for a grace period is freed. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(100000));

	expect("percu_free(%p): no block is there; was it freed before?", ptr);
	percu_free_rcu(ptr);
	percu_free(hide(ptr));
	missed();
}
