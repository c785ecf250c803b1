/* SPDX-License-Identifier: MIT */
/* A read where nothing keeps what was read. */
#include <percu/vec.h>
#include "tests/misuse/misuse.h"

int main(void)
{
	static struct percu_vec v;
	static int x;

	only_in_debug();
	if (percu_vec_init(&v, &(struct percu_vec_attr){ .name = "victim" }) ||
	    percu_vec_append(&v, &x))
		missed();
	expect("vec victim: percu_vec_get() outside of a read section");
	if (percu_vec_get(&v, 0))
		missed();
	missed();
}
