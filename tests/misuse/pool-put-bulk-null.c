/* SPDX-License-Identifier: MIT */
/* A bulk put has a NULL. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *objs[4];

	if (percu_pool_get_bulk(pool, objs, 4) != 4)
		return 2;
	objs[2] = NULL;
	if (found_at_once())
		expect("pool victim: NULL among the objects of a bulk put");
	else
		expect("pool victim: %p is not an object of this pool (it is no pool object)",
		       objs[2]);
	percu_pool_put_bulk(pool, objs, 4);
	at_once();
	percu_pool_age(pool);
	missed();
}
