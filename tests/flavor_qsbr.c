/* SPDX-License-Identifier: MIT */
/* tests/flavor_qsbr.c - qsbr's header, and then percu's */
#include <urcu-qsbr.h>
#include <percu/alloc.h>

#include "tests/flavor_of.h"

const struct rcu_flavor_struct *flavor_qsbr_first(void)
{
	percu_free_rcu(NULL);
	return &rcu_flavor;
}
