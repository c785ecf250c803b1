/* SPDX-License-Identifier: MIT */
/* A slice is put twice. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_slice s = make_slice(100);

	expect("percu_slice_put(): %p has no references left", s.block);
	percu_slice_put(s);
	percu_slice_put(s);
	missed();
}
