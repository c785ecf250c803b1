/* SPDX-License-Identifier: MIT */
/*
 * bench/retire.h - the flavors that retirement is measured under
 */
#ifndef BENCH_RETIRE_H
#define BENCH_RETIRE_H

#include <urcu/urcu-memb.h>

/* Only the first of several flavors' headers declares its own. */
extern const struct rcu_flavor_struct urcu_qsbr_flavor, urcu_mb_flavor,
	urcu_bp_flavor;

#endif /* BENCH_RETIRE_H */
