/* SPDX-License-Identifier: MIT */
/* tests/flavor_mb_last.c - percu's header, and then mb's */
#include <percu/pool.h>
#define RCU_MB
#include <urcu.h>

#include "tests/flavor_of.h"

const struct rcu_flavor_struct *flavor_mb_last(void)
{
	return &rcu_flavor;
}
