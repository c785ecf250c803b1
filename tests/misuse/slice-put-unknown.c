/* SPDX-License-Identifier: MIT */
/* A slice of an address that nobody has is put. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_slice s = make_slice(100);

	only_in_debug();
	s.block = hide_number(0x10000);
	expect("percu_slice_put(): %p is no block of slices", s.block);
	percu_slice_put(s);
	missed();
}
