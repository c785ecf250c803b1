/* SPDX-License-Identifier: MIT */
/* A block that percu_realloc() has moved is freed. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(64));

	expect_twice(class_for(64), ptr);
	must(first_realloc(ptr, 1000));
	percu_free(hide(ptr));
	at_once();
	percu_age();
	missed();
}
