/* SPDX-License-Identifier: MIT */
/* tests/flavor_bp.c - bp's header, and then percu's */
#include <urcu-bp.h>
#include <percu/alloc.h>

#include "tests/flavor_of.h"

const struct rcu_flavor_struct *flavor_bp_first(void)
{
	percu_free_rcu(NULL);
	return &rcu_flavor;
}
