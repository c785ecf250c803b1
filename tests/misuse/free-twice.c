/* SPDX-License-Identifier: MIT */
/* A block is freed twice in a row. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(64));

	expect_twice(class_for(64), ptr);
	first_free(ptr);
	percu_free(hide(ptr));
	at_once();
	percu_age();
	missed();
}
