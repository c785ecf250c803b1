/* SPDX-License-Identifier: MIT */
/* A pointer into a small block is freed. */
#include "tests/misuse/misuse.h"

int main(void)
{
	char *ptr = must(percu_alloc(64));

	expect("pool %s: %p points into an object, not at its start",
	       class_for(64), (void *)(ptr + 16));
	percu_free(hide(ptr + 16));
	at_once();
	percu_age();
	missed();
}
