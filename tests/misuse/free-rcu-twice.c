/* SPDX-License-Identifier: MIT */
/* A block is freed after a grace period, twice. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(64));

	expect_retired("retired", class_for(64), ptr);
	first_free_rcu(ptr);
	percu_free_rcu(hide(ptr));
	at_once();
	percu_barrier();
	missed();
}
