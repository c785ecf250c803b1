/* SPDX-License-Identifier: MIT */
/* percu_realloc() of a freed block, which moves it: that frees it again. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(64));

	if (found_at_once())
		expect_freed(class_for(64), ptr);
	else
		expect_twice(class_for(64), ptr);
	first_free(ptr);
	must(percu_realloc(hide(ptr), 1000));
	at_once();
	percu_age();
	missed();
}
