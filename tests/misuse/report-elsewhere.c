/* SPDX-License-Identifier: MIT */
/* Descriptors 1 and 2 have come to be other files: the line goes to neither. */
#include <fcntl.h>

#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_dead_pool("victim");

	expect("pool victim: stats after percu_pool_destroy()");
	close(1);
	close(2);
	if (open("/dev/null", O_WRONLY) != 1 || dup(1) != 2)
		return 2;
	percu_pool_stats(pool, &(struct percu_pool_stats){ 0 });
	return 1;
}
