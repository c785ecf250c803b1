/* SPDX-License-Identifier: MIT */
/* A pool is given to percu_free(). */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *pool = make_pool("victim", 64);

	expect("percu_free(%p): percu did not hand it out", pool);
	percu_free(pool);
	missed();
}
