/* SPDX-License-Identifier: MIT */
/* A reader of qsbr that is offline: no grace period waits for it. */
#include <urcu/urcu-qsbr.h>

#include <percu/vec.h>
#include "tests/misuse/misuse.h"

int main(void)
{
	static struct percu_vec v;
	static int x;

	only_in_debug();
	urcu_qsbr_register_thread();
	if (percu_vec_init_flavor(&v,
				  &(struct percu_vec_attr){ .name = "victim" },
				  &urcu_qsbr_flavor) ||
	    percu_vec_append(&v, &x))
		missed();
	urcu_qsbr_thread_offline();
	urcu_qsbr_thread_online();
	if (percu_vec_get(&v, 0) != &x) /* all is well */
		missed();
	urcu_qsbr_thread_offline();
	expect("vec victim: percu_vec_get() outside of a read section");
	if (percu_vec_get(&v, 0))
		missed();
	missed();
}
