/* SPDX-License-Identifier: MIT */
/* The same of mb: a reader that no grace period waits for. */
#include <urcu/urcu-mb.h>

#include <percu/vec.h>
#include "tests/misuse/misuse.h"

int main(void)
{
	static struct percu_vec v;
	static int x;

	only_in_debug();
	if (percu_vec_init_flavor(&v,
				  &(struct percu_vec_attr){ .name = "victim" },
				  &urcu_mb_flavor) ||
	    percu_vec_append(&v, &x))
		missed();
	urcu_mb_register_thread();
	urcu_mb_read_lock();
	if (percu_vec_get(&v, 0) != &x) /* all is well */
		missed();
	urcu_mb_read_unlock();
	urcu_mb_unregister_thread();
	expect("vec victim: percu_vec_get() by a thread that is not registered with liburcu");
	urcu_mb_read_lock();
	if (percu_vec_get(&v, 0))
		missed();
	missed();
}
