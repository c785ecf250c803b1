/* SPDX-License-Identifier: MIT */
/*
 * tests/test_flavors.c - all of liburcu's flavors in one program
 *
 * Laws: what was retired under a flavor waits for that flavor's readers and
 * for no others; a pool may be retired to under several, and each waits by
 * itself.  A thread that liburcu does not know may retire.  rcu_flavor is what
 * the header that a file includes says, before percu's or after, and bp else.
 */
#include <errno.h>
#include <percu/alloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "pool/pool.h"
#include "pool/retire.h"
#include "rcu/readers.h"
#include "sys/os.h"
#include "sys/tool.h"
#include "tests/check.h"
#include "tests/flavor_of.h"
#include "tests/pools.h"
#include "tests/retire.h"

enum {
	NR_FLAVORS = 4,
	MANY = 200,
};

static const struct {
	const char *name;
	const struct rcu_flavor_struct *flavor;
} all[NR_FLAVORS] = {
	{ "memb", &urcu_memb_flavor },
	{ "mb", &urcu_mb_flavor },
	{ "bp", &urcu_bp_flavor },
	{ "qsbr", &urcu_qsbr_flavor },
};

static struct percu_pool *plain(const char *name)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = name, .size = 64 });

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

static void retire_some(struct percu_pool *p, int flavor, int n)
{
	for (int i = 0; i < n; i++)
		percu_pool_put_rcu_flavor(p, percu_pool_get(p),
					  all[flavor].flavor);
}

static void call_barrier(void *arg)
{
	percu_pool_barrier(arg);
}

static void call_destroy(void *arg)
{
	if (percu_pool_destroy(arg))
		abort();
}

/* A reader of each flavor, against retirements under each. */
static void own_only(void)
{
	for (int i = 0; i < NR_FLAVORS; i++) {
		struct holder h = { .flavor = all[i].flavor };
		struct percu_pool *p[NR_FLAVORS];
		struct call c;

		CU_ASSERT_STRING_EQUAL(flavor_name(all[i].flavor), all[i].name);
		holder_begin(&h);
		for (int k = 0; k < NR_FLAVORS; k++) {
			p[k] = plain(all[k].name);
			retire_some(p[k], k, MANY);
		}
		for (int k = 0; k < NR_FLAVORS; k++)
			if (k != i)
				CU_ASSERT_EQUAL(percu_pool_destroy(p[k]), 0);
		call_begin(&c, call_destroy, p[i]);
		CU_ASSERT_TRUE(call_waits(&c));
		holder_end(&h);
		call_end(&c);
	}
	ASSERT_POOLS_HOLD(0);
}

/*
 * Of one flavor: a pool to which nothing was retired, and one whose objects are
 * back, end while another's wait for a reader.
 */
static void own_objects_only(void)
{
	for (int i = 0; i < NR_FLAVORS; i++) {
		struct percu_pool *never = plain("never"),
				  *back = plain("back");
		struct holder h = { .flavor = all[i].flavor };
		struct percu_pool *waits = plain("waits");
		struct call c;

		percu_pool_put(never, percu_pool_get(never));
		retire_some(back, i, MANY);
		percu_pool_barrier(back);
		holder_begin(&h);
		retire_some(waits, i, MANY);
		while (!round_since())
			usleep(1000);
		percu_pool_barrier(back);
		CU_ASSERT_EQUAL(percu_pool_destroy(never), 0);
		CU_ASSERT_EQUAL(percu_pool_destroy(back), 0);
		CU_ASSERT_EQUAL(stats_of(waits).deferred, MANY);
		call_begin(&c, call_destroy, waits);
		CU_ASSERT_TRUE(call_waits(&c));
		holder_end(&h);
		call_end(&c);
	}
	ASSERT_POOLS_HOLD(0);
}

/* Two flavors on one pool: the barrier waits for both, each object for its. */
static void two_on_one(void)
{
	for (int i = 0; i < NR_FLAVORS; i++) {
		int other = (i + 1) % NR_FLAVORS;
		struct holder h = { .flavor = all[i].flavor };
		struct percu_pool *p = plain("two");
		struct call c;

		holder_begin(&h);
		retire_some(p, i, MANY);
		retire_some(p, other, MANY);
		call_begin(&c, call_barrier, p);
		CU_ASSERT_TRUE(call_waits(&c));
		for (int k = 0; k < 10000 && stats_of(p).deferred > MANY; k++)
			usleep(1000);
		CU_ASSERT_EQUAL(stats_of(p).deferred, MANY);
		CU_ASSERT_EQUAL(stats_of(p).puts_rcu, 2 * MANY);
		holder_end(&h);
		call_end(&c);
		CU_ASSERT_EQUAL(stats_of(p).deferred, 0);
		CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	}
	ASSERT_POOLS_HOLD(0);
}

/* One pool under all of them, from many threads, which liburcu never met. */
static struct percu_pool *shared;

static void unknown_thread(unsigned int i, void *arg)
{
	for (unsigned int k = 0; k < MANY * 5; k++) {
		const struct rcu_flavor_struct *f =
			all[(i + k) % NR_FLAVORS].flavor;

		percu_pool_put_rcu_flavor(shared, percu_pool_get(shared), f);
		percu_free_rcu_flavor(percu_alloc(k % 20 ? 100 : 50000), f);
		if (k % 100 == 99)
			percu_pool_barrier(shared);
	}
	(void)arg;
}

static void unknown(void)
{
	shared = plain("shared");
	check_threads(6, unknown_thread, NULL);
	percu_pool_barrier(shared);
	CU_ASSERT_EQUAL(stats_of(shared).puts_rcu, 6 * 5 * MANY);
	CU_ASSERT_EQUAL(stats_of(shared).deferred, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(shared), 0);
	ASSERT_POOLS_HOLD(0);
}

/* A thread that is online would wait for itself: it goes offline meanwhile. */
static void qsbr_online(unsigned int i, void *arg)
{
	struct percu_pool *p = arg;

	(void)i;
	urcu_qsbr_register_thread();
	for (int k = 0; k < 20; k++) {
		CU_ASSERT_TRUE(urcu_qsbr_read_ongoing());
		retire_some(p, 3, MANY);
		if (k % 2)
			percu_pool_barrier(p);
		else
			percu_barrier();
		CU_ASSERT_TRUE(urcu_qsbr_read_ongoing());
		CU_ASSERT_EQUAL(stats_of(p).deferred, 0);
		reader_leaves(&urcu_qsbr_flavor);
		urcu_qsbr_quiescent_state();
	}
	retire_some(p, 3, 1);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	CU_ASSERT_TRUE(urcu_qsbr_read_ongoing());
	/* One that is offline stays so. */
	p = plain("offline");
	urcu_qsbr_thread_offline();
	retire_some(p, 3, MANY);
	percu_pool_barrier(p);
	CU_ASSERT_FALSE(urcu_qsbr_read_ongoing());
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	urcu_qsbr_unregister_thread();
}

static void qsbr(void)
{
	check_threads(1, qsbr_online, plain("online"));
	ASSERT_POOLS_HOLD(0);
}

/*
 * A reader of one flavor may wait for what was retired under another; without
 * threads it runs the rounds of that one, and must not run its own.
 */
static bool reader_waits(void)
{
	const struct percu_pool_attr attr = { .name = "another", .size = 64 };
	struct percu_pool *bp = percu_pool_create(&attr);
	struct percu_pool *memb = percu_pool_create(&attr);
	bool ok = true;

	urcu_bp_flavor.read_lock();
	retire_some(bp, 2, MANY);
	for (int i = 0; i < 20; i++) {
		retire_some(memb, 0, MANY);
		percu_pool_barrier(memb);
		ok &= !stats_of(memb).deferred;
	}
	ok &= stats_of(bp).deferred == MANY;
	reader_leaves(&urcu_bp_flavor);
	urcu_bp_flavor.read_unlock();
	return ok && !percu_pool_destroy(memb) && !percu_pool_destroy(bp);
}

static void reader_of_another(void)
{
	CU_ASSERT_TRUE(reader_waits());
}

static void child_threadless(void)
{
	os_fault_arm(1u << OS_THREAD, 1, true);
	child_must(reader_waits());
	child_must(os_fault_fired() && nr_threads() == 1);
	os_fault_disarm();
}

static void threadless(void)
{
	CU_ASSERT_TRUE(run_again("", "threadless"));
}

/* What each way to include the headers means. */
static void by_header(void)
{
	CU_ASSERT_PTR_EQUAL(flavor_none()->update_synchronize_rcu,
			    urcu_bp_flavor.update_synchronize_rcu);
	CU_ASSERT_PTR_EQUAL(flavor_memb_first(), &urcu_memb_flavor);
	CU_ASSERT_PTR_EQUAL(flavor_memb_last(), &urcu_memb_flavor);
	CU_ASSERT_PTR_EQUAL(flavor_mb_first(), &urcu_mb_flavor);
	CU_ASSERT_PTR_EQUAL(flavor_mb_last(), &urcu_mb_flavor);
	CU_ASSERT_PTR_EQUAL(flavor_qsbr_first(), &urcu_qsbr_flavor);
	CU_ASSERT_PTR_EQUAL(flavor_qsbr_last(), &urcu_qsbr_flavor);
	CU_ASSERT_PTR_EQUAL(flavor_bp_first(), &urcu_bp_flavor);
	CU_ASSERT_PTR_EQUAL(flavor_bp_last(), &urcu_bp_flavor);
}

static const struct again agains[] = {
	{ "threadless", child_threadless },
	{ NULL, NULL },
};

static const CU_TestInfo tests[] = {
	{ "each flavor holds back its own", own_only },
	{ "each pool waits for its own objects", own_objects_only },
	{ "two flavors on one pool", two_on_one },
	{ "threads that liburcu does not know, under all of them", unknown },
	{ "a barrier of an online thread of qsbr", qsbr },
	{ "a reader waits for another flavor", reader_of_another },
	{ "the same where no thread can be had", threadless },
	{ "rcu_flavor is the included header's", by_header },
	CU_TEST_INFO_NULL
};

int main(int argc, char **argv)
{
	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("flavors", tests);
}
