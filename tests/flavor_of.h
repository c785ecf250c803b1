/* SPDX-License-Identifier: MIT */
/*
 * tests/flavor_of.h - what rcu_flavor is, by the headers that a file includes
 *
 * Each is a file of its own, with a flavor's header or without, and that
 * before percu's or after.
 */
#ifndef PERCU_TESTS_FLAVOR_OF_H
#define PERCU_TESTS_FLAVOR_OF_H

struct rcu_flavor_struct;

const struct rcu_flavor_struct *flavor_none(void);
const struct rcu_flavor_struct *flavor_memb_first(void);
const struct rcu_flavor_struct *flavor_memb_last(void);
const struct rcu_flavor_struct *flavor_mb_first(void);
const struct rcu_flavor_struct *flavor_mb_last(void);
const struct rcu_flavor_struct *flavor_qsbr_first(void);
const struct rcu_flavor_struct *flavor_qsbr_last(void);
const struct rcu_flavor_struct *flavor_bp_first(void);
const struct rcu_flavor_struct *flavor_bp_last(void);

#endif /* PERCU_TESTS_FLAVOR_OF_H */
