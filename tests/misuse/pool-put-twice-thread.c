/* SPDX-License-Identifier: MIT */
/* One thread puts an object, and so does another. */
#include <pthread.h>

#include "tests/misuse/misuse.h"

static struct percu_pool *pool;

static void *put_in_thread(void *obj)
{
	first_put(pool, obj);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	void *obj;

	pool = make_pool("victim", 64);
	obj = must(percu_pool_get(pool));
	expect_twice("victim", obj);
	if (pthread_create(&thread, NULL, put_in_thread, obj))
		return 2;
	pthread_join(thread, NULL);
	percu_pool_put(pool, hide(obj));
	at_once();
	percu_pool_age(pool);
	missed();
}
