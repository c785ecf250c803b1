/* SPDX-License-Identifier: MIT */
/* A large block is freed twice, and is the heap's, with its neighbours. */
#include "tests/misuse/misuse.h"

int main(void)
{
	char *ptrs[3];

	for (int i = 0; i < 3; i++)
		ptrs[i] = must(percu_alloc(100000));
	expect("percu_free(%p): no block is there; was it freed before?",
	       (void *)ptrs[1]);
	for (int i = 0; i < 3; i++)
		first_free(ptrs[i]);
	percu_free(hide(ptrs[1]));
	missed();
}
