/* SPDX-License-Identifier: MIT */
/* A block that was freed is freed after a grace period. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(64));

	expect_twice(class_for(64), ptr);
	first_free(ptr);
	percu_free_rcu(hide(ptr));
	at_once();
	percu_barrier();
	percu_age();
	missed();
}
