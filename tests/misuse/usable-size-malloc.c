/* SPDX-License-Identifier: MIT */
/* The size of what malloc() returned. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(malloc(64));

	expect("percu_usable_size(%p): percu did not hand it out", ptr);
	percu_usable_size(ptr);
	missed();
}
