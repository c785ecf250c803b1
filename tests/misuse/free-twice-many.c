/* SPDX-License-Identifier: MIT */
/* A block is freed twice; further frees make the record spill. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(percu_alloc(64)), *ptrs[MISUSE_MANY];

	for (int i = 0; i < MISUSE_MANY; i++)
		ptrs[i] = must(percu_alloc(64));
	expect_twice(class_for(64), ptr);
	first_free(ptr);
	percu_free(hide(ptr));
	at_once();
	for (int i = 0; i < MISUSE_MANY; i++)
		percu_free(ptrs[i]);
	missed();
}
