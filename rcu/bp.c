/* SPDX-License-Identifier: MIT */
/*
 * rcu/bp.c - liburcu-bp, the flavor of who names none
 *
 * The one file that refers to a flavor's library.  Who retires nothing and so
 * needs no liburcu links another definition of bp_is_stranger().
 */
#include <urcu-bp.h>

#include "rcu/grace.h"

/* What rcu_flavor means where no flavor's header is included. */
extern const struct rcu_flavor_struct percu_flavor_bp;
__attribute__((visibility("default"))) DEFINE_RCU_FLAVOR(percu_flavor_bp);

/* liburcu-bp's, of this thread; NULL: it does not know the thread. */
extern __thread struct urcu_bp_reader *urcu_bp_reader;

/*
 * Of bp the question whether it reads alone registers a thread, which takes a
 * lock, and that a handler before fork may hold (urcu_bp_before_fork()).
 */
bool bp_is_stranger(const struct rcu_flavor_struct *flavor)
{
	return flavor->read_ongoing == percu_flavor_bp.read_ongoing &&
	       !urcu_bp_reader;
}
