/* SPDX-License-Identifier: MIT */
/* A large block is freed after a grace period, twice. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(100000));

	expect("percu_free_rcu(%p): no block is there; was it freed before?",
	       ptr);
	percu_free_rcu(ptr);
	percu_free_rcu(hide(ptr));
	missed();
}
