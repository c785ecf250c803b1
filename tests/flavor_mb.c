/* SPDX-License-Identifier: MIT */
/* tests/flavor_mb.c - mb's header, and then percu's */
#define RCU_MB
#include <urcu.h>
#include <percu/alloc.h>

#include "tests/flavor_of.h"

const struct rcu_flavor_struct *flavor_mb_first(void)
{
	percu_free_rcu(NULL);
	return &rcu_flavor;
}
