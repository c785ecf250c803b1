/* SPDX-License-Identifier: MIT */
/*
 * tests/test_marks.c - what waits for readers is bounded
 *
 * Laws: above the hard mark who retires waits until readers leave, unless he
 * reads himself, or waiting is switched off: then it goes on, and a call that
 * can fail is told -EAGAIN.  Whatever happens nothing is lost.  A flood beside a
 * sleeping reader stays near the mark, and is back below the soft one soon
 * after he has left: how near and how soon is printed.  Each case is a program
 * of its own, with marks of its own.
 */
#include <errno.h>
#include <percu/alloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "pool/pool.h"
#include "pool/retire.h"
#include "sys/os.h"
#include "sys/tool.h"
#include "tests/check.h"
#include "tests/hoard.h"
#include "tests/pools.h"
#include "tests/retire.h"

enum {
	SIZE = 64,
	SOFT = 64 << 10,
	HARD = 256 << 10,
	ABOVE = 2 * HARD / SIZE, /* objects */
	NTHREADS = 4,
};

#define MARKS "defer_soft:64k,defer_hard:256k"

static const struct rcu_flavor_struct *const bp = &urcu_bp_flavor;
static struct percu_pool *pool;
static _Atomic unsigned long retired;

static struct percu_memstats now(void)
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	return ms;
}

static void begin(void)
{
	pool = percu_pool_create(
		&(struct percu_pool_attr){ .name = "marked", .size = SIZE });
	child_must(pool);
	child_must(now().defer_soft == SOFT && now().defer_hard == HARD);
}

static void retire_some(unsigned long n)
{
	while (n--) {
		percu_pool_put_rcu(pool, percu_pool_get(pool));
		retired++;
	}
}

/* Nothing is lost, and all is back. */
static void end(void)
{
	percu_pool_barrier(pool);
	child_must(stats_of(pool).puts_rcu == retired);
	child_must(!stats_of(pool).deferred && !stats_of(pool).outstanding);
	child_must(!percu_pool_destroy(pool));
	child_must(pools_hold(0));
	child_must(!counter_read(&graces.bytes));
}

/* A reader goes on, whatever the mark: he would wait for himself. */
static void child_reading(void)
{
	begin();
	child_must(!retire_admit(bp));
	bp->read_lock();
	retire_some(2 * ABOVE);
	child_must(now().deferred > 3 * HARD);
	child_must(retire_admit(bp) == -EAGAIN);
	/* Under any other flavor, too: bytes wait for him all the same. */
	child_must(retire_admit(&urcu_memb_flavor) == -EAGAIN);
	percu_pool_put_rcu_flavor(pool, percu_pool_get(pool),
				  &urcu_memb_flavor);
	for (int i = 0; i < 100; i++)
		percu_pool_put_rcu_flavor(pool, percu_pool_get(pool),
					  &urcu_memb_flavor);
	retired += 101;
	reader_leaves(bp);
	bp->read_unlock();
	child_must(!retire_admit(bp)); /* waits, if it has to */
	child_must(counter_read(&graces.bytes) <= HARD);
	end();
}

static void retire_above(void *arg)
{
	(void)arg;
	retire_some(ABOVE);
}

static void child_waiting(void)
{
	struct holder h = { .flavor = bp };
	struct call c;
	unsigned long before;

	begin();
	holder_begin(&h);
	call_begin(&c, retire_above, NULL);
	child_must(call_waits(&c));
	before = retired;
	/* He had come as far as the mark, and a little further. */
	child_must(before * SIZE >= HARD / 2);
	child_must(before * SIZE <= HARD + (256 << 10));
	child_must(before < ABOVE);
	holder_end(&h);
	call_end(&c);
	child_must(retired == ABOVE);
	end();
}

static _Atomic int admitted;

static void admit(void *arg)
{
	(void)arg;
	admitted = retire_admit(bp);
}

/* The call that can fail waits outside of sections, and succeeds. */
static void child_admitting(void)
{
	struct holder h = { .flavor = bp };
	struct call c;

	begin();
	holder_begin(&h);
	bp->read_lock(); /* so that it goes on above the mark */
	retire_some(ABOVE);
	reader_leaves(bp);
	bp->read_unlock();
	admitted = 1;
	call_begin(&c, admit, NULL);
	child_must(call_waits(&c));
	child_must(admitted == 1);
	holder_end(&h);
	call_end(&c);
	child_must(!admitted);
	end();
}

static void child_not_waiting(void)
{
	struct holder h = { .flavor = bp };

	begin();
	holder_begin(&h);
	child_must(!retire_admit(bp));
	retire_some(ABOVE);
	child_must(now().deferred > HARD);
	child_must(retire_admit(bp) == -EAGAIN);
	holder_end(&h);
	percu_pool_barrier(pool);
	child_must(!retire_admit(bp));
	end();
}

/* Without memory. ----------------------------------------------------------------------- */

enum {
	SOME = 100
};

static void *kept[ABOVE];
static _Atomic size_t nr_kept;

static void get_all(void *arg)
{
	(void)arg;
	while (nr_kept < ABOVE && (kept[nr_kept] = percu_pool_get(pool)))
		nr_kept++;
}

/* All that the pool could have waits for a reader; then who gets waits too. */
static void without_memory(bool waits)
{
	struct holder h = { .flavor = bp };
	size_t got = 0;
	struct call c;

	begin();
	sizes_init();
	while (got < SOME)
		child_must((kept[got++] = percu_pool_get(pool)));
	hoard_all();
	holder_begin(&h);
	os_fault_arm(MEMORY, 1, true);
	while (got)
		percu_pool_put_rcu_flavor(pool, kept[--got], bp);
	retired += SOME;
	call_begin(&c, get_all, NULL);
	if (waits)
		child_must(call_waits(&c));
	else
		call_end(&c);
	child_must(nr_kept < ABOVE);
	got = nr_kept;
	holder_end(&h);
	if (waits) {
		call_end(&c);
		child_must(nr_kept >= got + SOME);
	}
	os_fault_disarm();
	percu_pool_put_bulk(pool, kept, nr_kept);
	give_all_back();
	end();
}

static void child_get_waits(void)
{
	without_memory(true);
}

static void child_get_fails(void)
{
	without_memory(false);
}

/* A flood from several threads; the reader sleeps for a while. */
static _Atomic bool stop;

static void *flood_thread(void *arg)
{
	(void)arg;
	while (!stop)
		retire_some(100);
	return NULL;
}

static void child_flood(void)
{
	uint64_t slack = 64 << 10, most = 0, from, ns, bytes;
	int turns = tool_any() ? 2 : check_short() ? 3 : 20;
	pthread_t id[NTHREADS];
	struct holder h;

	begin();
	/* What is in records and in hands is above the mark: CPUs, threads. */
	slack += (NTHREADS + 2ull * (uint64_t)cpu_info.possible) * 2 *
		 pool->magazine * SIZE;
	for (int i = 0; i < NTHREADS; i++)
		child_must(!pthread_create(&id[i], NULL, flood_thread, NULL));
	for (int i = 0; i < turns; i++) {
		h = (struct holder){ .flavor = bp };
		holder_begin(&h);
		from = os_clock();
		do {
			usleep(1000);
			bytes = now().deferred;
			most = bytes > most ? bytes : most;
		} while (os_clock() - from < 100000000);
		/* They wait: nothing is retired while he sleeps on. */
		holder_end(&h);
	}
	stop = true;
	from = os_clock();
	for (int i = 0; i < NTHREADS; i++)
		pthread_join(id[i], NULL);
	while (counter_read(&graces.bytes) > SOFT)
		usleep(100);
	ns = os_clock() - from;
	printf("(%lu retired, at most %llu KiB deferred with a mark of %d KiB, below the soft one after %llu us) ",
	       retired, (unsigned long long)most >> 10, HARD >> 10,
	       (unsigned long long)ns / 1000);
	fflush(stdout);
	child_must(most > HARD / 2);
	child_must(most <= HARD + slack);
	end();
}

static void reading(void)
{
	CU_ASSERT_TRUE(run_again(MARKS, "reading"));
}

static void waiting(void)
{
	CU_ASSERT_TRUE(run_again(MARKS, "waiting"));
}

static void admitting(void)
{
	CU_ASSERT_TRUE(run_again(MARKS, "admitting"));
}

static void not_waiting(void)
{
	CU_ASSERT_TRUE(run_again(MARKS ",defer_wait:0", "not-waiting"));
}

static void no_memory(void)
{
	CU_ASSERT_TRUE(run_again(MARKS, "get-waits"));
	CU_ASSERT_TRUE(run_again(MARKS ",defer_wait:0", "get-fails"));
}

static void flooded(void)
{
	CU_ASSERT_TRUE(run_again(MARKS, "flood"));
	CU_ASSERT_TRUE(run_again(MARKS ",mode:lock", "flood"));
}

static const struct again agains[] = {
	{ "reading", child_reading },     { "waiting", child_waiting },
	{ "admitting", child_admitting }, { "not-waiting", child_not_waiting },
	{ "get-waits", child_get_waits }, { "get-fails", child_get_fails },
	{ "flood", child_flood },         { NULL, NULL },
};

static const CU_TestInfo tests[] = {
	{ "a reader goes on above the mark", reading },
	{ "others wait until readers leave", waiting },
	{ "a call that can fail waits too", admitting },
	{ "with defer_wait:0 it is told, and nobody waits", not_waiting },
	{ "a get waits for readers before it fails", no_memory },
	{ "a flood beside a reader who sleeps", flooded },
	CU_TEST_INFO_NULL
};

int main(int argc, char **argv)
{
	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("marks", tests);
}
