/* SPDX-License-Identifier: MIT */
/* A slice has been made longer than its block. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_slice s = make_slice(100);

	only_in_debug();
	s.len = 1000;
	expect("percu_slice_put(): 1000 bytes at %p do not lie in block %p",
	       (const void *)s.ptr, s.block);
	percu_slice_put(s);
	missed();
}
