/* SPDX-License-Identifier: MIT */
/* A pool is given an object that it never handed out: it waits next door. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	char *a = must(percu_pool_get(pool)), *b = must(percu_pool_get(pool));
	void *next = hide(b + (b - a)); /* whichever way they go */

	if (found_at_once())
		expect("pool victim: %p was put, but is not out", next);
	else
		expect("pool victim: %p was put twice", next);
	percu_pool_put(pool, next);
	at_once();
	percu_pool_age(pool);
	missed();
}
