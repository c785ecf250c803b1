/* SPDX-License-Identifier: MIT */
/* A block is freed as one of another class. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(64));

	expect_size(ptr, 64, 128);
	percu_free(must(percu_alloc(128))); /* its record is open from now on */
	percu_free_sized(ptr, 128);
	at_once();
	percu_age();
	missed();
}
