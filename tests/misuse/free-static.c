/* SPDX-License-Identifier: MIT */
/* percu_free() is given the address of a static variable. */
#include "tests/misuse/misuse.h"

int main(void)
{
	static long fixed[8];
	void *obj = hide(fixed);

	expect("percu_free(%p): percu did not hand it out", obj);
	percu_free(obj);
	missed();
}
