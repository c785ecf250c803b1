/* SPDX-License-Identifier: MIT */
/*
 * A removed object is inserted again, and when its grace period ends a batch
 * has the vector's lock.
 */
#include <pthread.h>
#include <semaphore.h>
#include <urcu-bp.h>

#include <percu/vec.h>
#include "tests/misuse/misuse.h"

enum {
	MANY = 1100 /* the vector is a tree */
};

static struct percu_vec v;
static sem_t begun;

FIRST_PUT void first_remove(size_t i)
{
	if (percu_vec_remove(&v, i))
		missed();
	__asm__ volatile("");
}

/* A batch that never ends. */
static void *batch(void *arg)
{
	struct percu_vec_batch b;

	if (percu_vec_batch_begin(&b, &v))
		missed();
	sem_post(&begun);
	for (;;)
		pause();
	return arg;
}

int main(void)
{
	struct percu_pool *pool = make_pool("objects", 64);
	void *objs[MANY], *obj;
	pthread_t id;

	only_in_debug();
	for (int i = 0; i < MANY; i++)
		objs[i] = must(percu_pool_get(pool));
	obj = objs[0];
	sem_init(&begun, 0, 0);
	if (percu_vec_init(&v, &(struct percu_vec_attr){ .name = "victim",
							 .pool = pool }) ||
	    percu_vec_append_bulk(&v, objs, MANY))
		missed();
	expect_site("is still in slot 1099 of victim after its grace period",
		    "objects", obj, "retired");
	rcu_read_lock(); /* so that its grace period does not end */
	first_remove(0);
	if (percu_vec_append(&v, obj) || pthread_create(&id, NULL, batch, NULL))
		missed();
	while (sem_wait(&begun))
		;
	rcu_read_unlock();
	percu_barrier();
	missed();
}
