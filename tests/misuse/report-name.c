/* SPDX-License-Identifier: MIT */
/* A pool's name cannot forge a second line. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_dead_pool("a\npercu: b");

	expect("pool a_percu:_b: stats after percu_pool_destroy()");
	percu_pool_stats(pool, &(struct percu_pool_stats){ 0 });
	missed();
}
