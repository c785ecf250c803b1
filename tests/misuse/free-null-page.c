/* SPDX-License-Identifier: MIT */
/* percu_free() is given a pointer next to NULL. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *obj = hide_number(16);

	expect("percu_free(%p): percu did not hand it out", obj);
	percu_free(obj);
	missed();
}
