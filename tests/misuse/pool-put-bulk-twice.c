/* SPDX-License-Identifier: MIT */
/* A bulk put has one object twice. */
#include "tests/misuse/misuse.h"

FIRST_PUT void put_bulk(struct percu_pool *pool, void **objs, size_t n)
{
	percu_pool_put_bulk(pool, objs, n);
	__asm__ volatile("");
}

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *objs[5];

	if (percu_pool_get_bulk(pool, objs, 4) != 4)
		return 2;
	objs[4] = objs[1];
	expect_twice("victim", objs[1]);
	put_bulk(pool, objs, 5);
	at_once();
	percu_pool_age(pool);
	missed();
}
