/* SPDX-License-Identifier: MIT */
/* tests/flavor_memb.c - memb's header, and then percu's */
#define RCU_MEMBARRIER
#include <urcu.h>
#include <percu/alloc.h>

#include "tests/flavor_of.h"

const struct rcu_flavor_struct *flavor_memb_first(void)
{
	percu_free_rcu(NULL);
	return &rcu_flavor;
}
