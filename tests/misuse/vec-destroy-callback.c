/* SPDX-License-Identifier: MIT */
/* A release callback ends another vector. */
#include <percu/vec.h>
#include "tests/misuse/misuse.h"

static struct percu_vec v, victim;

static void release(void *obj, void *arg)
{
	(void)obj;
	(void)arg;
	percu_vec_destroy(&victim);
}

int main(void)
{
	static int x;

	if (percu_vec_init(&victim,
			   &(struct percu_vec_attr){ .name = "victim" }) ||
	    percu_vec_init(&v,
			   &(struct percu_vec_attr){ .release = release }) ||
	    percu_vec_append(&v, &x))
		missed();
	expect("vec victim: percu_vec_destroy() from a callback that runs after a grace period");
	if (percu_vec_remove(&v, 0))
		missed();
	percu_barrier();
	missed();
}
