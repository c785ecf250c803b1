/* SPDX-License-Identifier: MIT */
/* tests/flavor_bp_last.c - percu's header, and then bp's */
#include <percu/pool.h>
#include <urcu-bp.h>

#include "tests/flavor_of.h"

const struct rcu_flavor_struct *flavor_bp_last(void)
{
	return &rcu_flavor;
}
