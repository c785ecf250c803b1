/* SPDX-License-Identifier: MIT */
/* A slice is got of one that was the last. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_slice s = make_slice(100);

	expect("percu_slice_dup(): %p has no references left", s.block);
	percu_slice_put(s);
	s = percu_slice_dup(s);
	missed();
}
