/* SPDX-License-Identifier: MIT */
/* A reader ends a vector: it would wait for itself, whatever is in it. */
#include <urcu/urcu-bp.h>

#include <percu/vec.h>
#include "tests/misuse/misuse.h"

int main(void)
{
	static struct percu_vec v, other;

	if (percu_vec_init(&v, &(struct percu_vec_attr){ .name = "victim" }) ||
	    percu_vec_init(&other, NULL))
		missed();
	urcu_bp_read_lock();
	urcu_bp_read_unlock();
	percu_vec_destroy(&other); /* all is well */
	urcu_bp_read_lock();
	expect("vec victim: percu_vec_destroy() inside a read section");
	percu_vec_destroy(&v);
	missed();
}
