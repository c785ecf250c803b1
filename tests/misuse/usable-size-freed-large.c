/* SPDX-License-Identifier: MIT */
/* The size of a large block that was freed. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(100000));

	expect("percu_usable_size(%p): no block is there; was it freed before?",
	       ptr);
	first_free(ptr);
	percu_usable_size(hide(ptr));
	missed();
}
