/* SPDX-License-Identifier: MIT */
/*
 * pool/retire.c - objects that wait for a grace period
 */
#include <errno.h>
#include <urcu-bp.h>

#include <percu/alloc.h>

#include "pool/pool.h"
#include "pool/retire.h"

#define FLAVOR_BP percu_flavor_bp
extern const struct rcu_flavor_struct percu_flavor_bp;
PERCU_API DEFINE_RCU_FLAVOR(percu_flavor_bp);

static void *release_none(void *arg)
{
	(void)arg;
	errno = EINVAL;
	return NULL;
}

struct percu_pool *release_pool_create(const char *name,
				       void (*release)(void *obj, void *arg),
				       void *arg)
{
	return percu_pool_create(
		&(struct percu_pool_attr){ .name = name,
					   .create = release_none,
					   .destroy = release,
					   .arg = arg });
}

void retire_from(struct percu_pool *pool, void *obj,
		 const struct rcu_flavor_struct *flavor, void *site,
		 struct retire_origin *origin)
{
	(void)site, (void)origin;
	flavor->update_synchronize_rcu();
	if (pool->attr.create == release_none)
		pool->attr.destroy(obj, pool->attr.arg);
	else
		percu_pool_put(pool, obj);
}

PERCU_API void percu_pool_put_rcu_flavor(struct percu_pool *pool, void *obj,
					 const struct rcu_flavor_struct *flavor)
{
	if (obj)
		retire_from(pool, obj, flavor, NULL, NULL);
}

PERCU_API void percu_free_rcu_flavor(void *ptr,
				     const struct rcu_flavor_struct *flavor)
{
	flavor->update_synchronize_rcu();
	percu_free(ptr);
}

PERCU_API void percu_pool_barrier(struct percu_pool *pool)
{
	(void)pool;
}

PERCU_API void percu_barrier(void)
{
}

int retire_admit(const struct rcu_flavor_struct *flavor)
{
	(void)flavor;
	return 0;
}

uint64_t grace_now(const struct rcu_flavor_struct *flavor)
{
	(void)flavor;
	return 0;
}

bool grace_passed(const struct rcu_flavor_struct *flavor, uint64_t then)
{
	(void)flavor, (void)then;
	return false;
}

bool grace_reading(const struct rcu_flavor_struct *flavor)
{
	return flavor->read_ongoing();
}
