/* SPDX-License-Identifier: MIT */
/* percu_realloc() of what malloc() returned. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(malloc(64));

	expect("percu_realloc(%p): percu did not hand it out", ptr);
	must(percu_realloc(ptr, 70));
	missed();
}
