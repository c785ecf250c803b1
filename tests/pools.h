/* SPDX-License-Identifier: MIT */
/*
 * tests/pools.h - what the tests of pool/ share
 *
 * Words: quiet is a moment at which no other thread uses the library; what is
 * out is counted over all pools and large blocks.
 */
#ifndef PERCU_TESTS_POOLS_H
#define PERCU_TESTS_POOLS_H

#include <percu/pool.h>
#include <percu/stats.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

/*
 * The conservation check, when all is quiet and the caller does not read: what
 * waits for readers is waited for; then every pool's audit and figures, the
 * page heap's, and both budgets against what they count; and that so many
 * objects are out in all.  Prints what is wrong.
 */
bool pools_hold(uint64_t out);
#define ASSERT_POOLS_HOLD(out) CU_ASSERT(pools_hold(out))

struct percu_pool_stats stats_of(struct percu_pool *pool);

/* Times the depot's lock was taken for objects. */
uint64_t visits_of(struct percu_pool *pool);

/* Capacity of this thread's record of the pool now; 0: none. */
uint32_t capacity_here(struct percu_pool *pool);

/* Bytes that a record's capacities count on the fullest CPU. */
uint64_t budget_used(void);

/* Keeps this thread on the nth of its CPUs, or gives it all of them again. */
void pin(unsigned int nth);
void unpin(void);

/* What percu_mode() must be in this process. */
const char *mode_expected(void);

/*
 * Runs this program again, natively and with PERCU=percu, as "PROGRAM --WHAT":
 * main() hands that to pools_again(), which runs the function of that name.
 * False, and prints what the child said, unless it exits with 0 and silent.
 */
struct again {
	const char *what;
	void (*fn)(void);
};
bool run_again(const char *percu, const char *what);
/* The same, but what it says on stderr goes to out; its status. */
int run_saying(const char *percu, const char *what, char *out, size_t outlen);
/* False: argv asks for none of these. */
bool pools_again(int argc, char **argv, const struct again *agains);

/* Ends this thread's registration with rseq; false where there is none. */
bool rseq_leave(void);

/* Every byte is what the seed says. */
void fill_bytes(void *p, size_t size, uint32_t seed);
bool bytes_hold(const void *p, size_t size, uint32_t seed);
bool bytes_zero(const void *p, size_t size);

#endif /* PERCU_TESTS_POOLS_H */
