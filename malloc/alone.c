/* SPDX-License-Identifier: MIT */
/*
 * malloc/alone.c - no liburcu here
 *
 * Who only has malloc retires nothing, so that no flavor is ever in use, and
 * this takes the place of rcu/bp.c, which refers to liburcu's.
 */
#include "rcu/grace.h"

bool bp_is_stranger(const struct rcu_flavor_struct *flavor)
{
	(void)flavor;
	return false;
}
