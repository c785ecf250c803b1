/* SPDX-License-Identifier: MIT */
/* tests/flavor_none.c - percu's header alone, of a flavor only the struct */
#include <percu/pool.h>
#include <urcu/flavor.h>

#include "tests/flavor_of.h"

const struct rcu_flavor_struct *flavor_none(void)
{
	return &rcu_flavor;
}
