/* SPDX-License-Identifier: MIT */
/* A pointer into a small block is freed after a grace period. */
#include "tests/misuse/misuse.h"

int main(void)
{
	char *ptr = must(percu_alloc(64));

	percu_free_rcu(must(percu_alloc(64))); /* hits from now on */
	expect("pool %s: %p points into an object, not at its start",
	       class_for(64), (void *)(ptr + 16));
	percu_free_rcu(hide(ptr + 16));
	at_once();
	percu_barrier();
	missed();
}
