/* SPDX-License-Identifier: MIT */
/* percu_realloc() of a pointer into a small block. */
#include "tests/misuse/misuse.h"

int main(void)
{
	char *ptr = must(percu_alloc(64));

	expect("pool %s: %p points into an object, not at its start",
	       class_for(64), (void *)(ptr + 16));
	must(percu_realloc(hide(ptr + 16), 70));
	missed();
}
