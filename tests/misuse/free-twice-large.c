/* SPDX-License-Identifier: MIT */
/* A large block is freed twice. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(100000));

	expect("percu_free(%p): no block is there; was it freed before?", ptr);
	first_free(ptr);
	percu_free(hide(ptr));
	missed();
}
