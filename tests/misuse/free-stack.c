/* SPDX-License-Identifier: MIT */
/* percu_free() is given the address of a local variable. */
#include "tests/misuse/misuse.h"

int main(void)
{
	long local[8], *obj = hide(local);

	expect("percu_free(%p): percu did not hand it out", obj);
	percu_free(obj);
	missed();
}
