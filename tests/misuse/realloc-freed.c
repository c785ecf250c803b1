/* SPDX-License-Identifier: MIT */
/* percu_realloc() of a small block that was freed. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(64));

	only_at_once();
	expect_freed(class_for(64), ptr);
	first_free(ptr);
	must(percu_realloc(hide(ptr), 70));
	missed();
}
