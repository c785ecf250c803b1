/* SPDX-License-Identifier: MIT */
/* A block is freed, and freed again with its size. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(64));

	expect_twice(class_for(64), ptr);
	first_free(ptr);
	percu_free_sized(hide(ptr), 64);
	at_once();
	percu_age();
	missed();
}
