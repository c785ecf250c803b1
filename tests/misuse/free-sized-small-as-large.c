/* SPDX-License-Identifier: MIT */
/* A small block is freed as a large one. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(64));

	expect("pool %s: %p was freed as %d bytes", class_for(64), ptr, 100000);
	percu_free_sized(ptr, 100000);
	missed();
}
