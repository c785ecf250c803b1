/* SPDX-License-Identifier: MIT */
/* percu_free() is given the address of a function. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *obj = hide_number((uintptr_t)&puts);

	expect("percu_free(%p): percu did not hand it out", obj);
	percu_free(obj);
	missed();
}
