/* SPDX-License-Identifier: MIT */
/* The program has closed its stdout and stderr, and is told all the same. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_dead_pool("victim");

	expect("pool victim: stats after percu_pool_destroy()");
	close(1);
	close(2);
	percu_pool_stats(pool, &(struct percu_pool_stats){ 0 });
	return 1;
}
