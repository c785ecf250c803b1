/* SPDX-License-Identifier: MIT */
/* A block has as many references as it can count. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_slice s = make_slice(100);
	const uint32_t most = 1u << 31;

	/* The count is what a block begins with. */
	memcpy(s.block, &most, sizeof(most));
	expect("percu_slice_dup(): %p has %u references", s.block, most);
	s = percu_slice_dup(s);
	missed();
}
