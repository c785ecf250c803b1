/* SPDX-License-Identifier: MIT */
/* tests/flavor_qsbr_last.c - percu's header, and then qsbr's */
#include <percu/pool.h>
#include <urcu-qsbr.h>

#include "tests/flavor_of.h"

const struct rcu_flavor_struct *flavor_qsbr_last(void)
{
	return &rcu_flavor;
}
