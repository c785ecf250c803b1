/* SPDX-License-Identifier: MIT */
/* tests/flavor_memb_last.c - percu's header, and then memb's */
#include <percu/pool.h>
#define RCU_MEMBARRIER
#include <urcu.h>

#include "tests/flavor_of.h"

const struct rcu_flavor_struct *flavor_memb_last(void)
{
	return &rcu_flavor;
}
