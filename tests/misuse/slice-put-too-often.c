/* SPDX-License-Identifier: MIT */
/* Of two slices of a block one is put twice, and the other once. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_slice s = make_slice(100), d = percu_slice_dup(s);

	expect("percu_slice_put(): %p has no references left", s.block);
	percu_slice_put(s);
	percu_slice_put(s);
	percu_slice_put(d);
	missed();
}
