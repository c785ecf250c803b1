/* SPDX-License-Identifier: MIT */
/* A clone is put twice. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_slice s = make_slice(100), c = percu_slice_clone(s);

	expect("percu_slice_put(): %p has no references left", must(c.block));
	percu_slice_put(c);
	percu_slice_put(c);
	missed();
}
