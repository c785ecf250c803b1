/* SPDX-License-Identifier: MIT */
/* percu_realloc() of a large block that was freed. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(100000));

	expect("percu_realloc(%p): no block is there; was it freed before?",
	       ptr);
	first_free(ptr);
	must(percu_realloc(hide(ptr), 70));
	missed();
}
