/* SPDX-License-Identifier: MIT */
/* percu_free() is given what malloc() returned. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *obj = must(malloc(64));

	expect("percu_free(%p): percu did not hand it out", obj);
	percu_free(obj);
	missed();
}
