/* SPDX-License-Identifier: MIT */
/* A large block that waits for a grace period is to grow. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(100000));

	expect("percu_realloc(%p): no block is there; was it freed before?",
	       ptr);
	percu_free_rcu(ptr);
	ptr = percu_realloc(hide(ptr), 200000);
	missed();
}
