/* SPDX-License-Identifier: MIT */
/*
 * percu/flavor.h - which of liburcu's flavors deferred frees wait for
 *
 * Readers protect themselves with one of liburcu's flavors, and what is
 * retired must wait for the readers of that flavor.  So the calls that retire
 * are macros that pass rcu_flavor, the name that liburcu's flavor headers give
 * to the flavor that they select:
 *
 *	#include <urcu.h>		memb: registered threads, fast readers
 *	#include <urcu-qsbr.h>		or this: readers for nothing
 *	#include <percu/pool.h>
 *
 * It is looked up where the macro is used, so the order of the headers does
 * not matter.  In a file that includes none of them it is the flavor that
 * needs no registration, bp (<urcu-bp.h>).  Where the flavor is chosen at run
 * time, or a header without the short names is used (<urcu/urcu-memb.h>), the
 * functions that end in _flavor take it as an argument.
 *
 * Objects of one pool may be retired under several flavors, each is waited for
 * by itself.  Readers of one flavor do not protect what is retired under
 * another: a program that has no reason for two should have one.
 */
#ifndef PERCU_FLAVOR_H
#define PERCU_FLAVOR_H

#include <percu/compiler.h>

PERCU_BEGIN_DECLS

struct rcu_flavor_struct; /* liburcu's, <urcu/flavor.h> */

#ifndef rcu_flavor
/*
 * Found by the macros where no flavor's header has given its own meaning to
 * the name.  It is an object of percu, which stands for urcu_bp_flavor.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls" /* <urcu/flavor.h> */
extern const struct rcu_flavor_struct rcu_flavor __asm__("percu_flavor_bp");
#pragma GCC diagnostic pop
#endif

PERCU_END_DECLS

#endif /* PERCU_FLAVOR_H */
