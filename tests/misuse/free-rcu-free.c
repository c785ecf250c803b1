/* SPDX-License-Identifier: MIT */
/* A block that waits for a grace period is freed. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(64));

	expect_retired("put", class_for(64), ptr);
	first_free_rcu(ptr);
	percu_free(hide(ptr));
	at_once();
	percu_barrier();
	percu_age();
	missed();
}
