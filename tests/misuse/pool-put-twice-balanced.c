/* SPDX-License-Identifier: MIT */
/* Put twice while another is out, so that the numbers agree; ended. */
#include "tests/misuse/misuse.h"

int main(void)
{
	struct percu_pool *pool = make_pool("victim", 64);
	void *obj = must(percu_pool_get(pool));
	void *other = must(percu_pool_get(pool));

	expect_twice("victim", obj);
	first_put(pool, obj);
	percu_pool_put(pool, hide(obj));
	at_once();
	percu_pool_destroy(hide(pool));
	percu_pool_put(hide(pool), other);
	missed();
}
