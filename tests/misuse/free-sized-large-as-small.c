/* SPDX-License-Identifier: MIT */
/* A large block is freed as a small one. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(100000));

	if (size_is_checked())
		expect("a block of %zu bytes, %p, was freed as 64 bytes",
		       large_size(100000), ptr);
	else
		expect("pool size-64: %p is not an object of this pool (it is no pool object)",
		       ptr);
	percu_free(must(percu_alloc(64))); /* its record is open from now on */
	percu_free_sized(ptr, 64);
	at_once();
	percu_age();
	missed();
}
