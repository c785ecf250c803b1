/* SPDX-License-Identifier: MIT */
/* A block is freed, and again when its memory is the heap's. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(3000));

	first_free(ptr);
	for (int i = 0; i < 3; i++)
		percu_age();
	expect("percu_free(%p): no block is there; was it freed before?", ptr);
	percu_free(hide(ptr));
	missed();
}
