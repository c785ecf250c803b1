/* SPDX-License-Identifier: MIT */
/* percu_free_rcu() is given what malloc() returned. */
#include "tests/misuse/misuse.h"

int main(void)
{
	void *ptr = must(malloc(64));

	expect("percu_free_rcu(%p): percu did not hand it out", ptr);
	percu_free_rcu(ptr);
	missed();
}
