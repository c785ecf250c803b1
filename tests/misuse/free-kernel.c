/* SPDX-License-Identifier: MIT */
/* percu_free() is given an address of the kernel's half. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *obj = hide_number(UINTPTR_MAX << 46);

	expect("percu_free(%p): percu did not hand it out", obj);
	percu_free(obj);
	missed();
}
