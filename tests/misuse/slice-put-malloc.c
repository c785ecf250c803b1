/* SPDX-License-Identifier: MIT */
/* What malloc() returned is put as the block of a slice. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_slice s = make_slice(100);

	s.block = must(calloc(1, 64));
	expect("percu_slice_put(): %p is no block of slices", s.block);
	percu_slice_put(s);
	missed();
}
