/* SPDX-License-Identifier: MIT */
/*
 * tests/test_record.c - a record's figures, read from elsewhere
 *
 * A bulk operation writes what a record has counted to the side that is not
 * current, and turns sides with its last store.  Who reads the record from
 * another CPU must see one moment of it, whatever it reads beside.
 *
 * So must one that is slow between any two of its loads: a handler that gets
 * and puts interrupts it there.
 *
 * Laws: gets and puts never become fewer.  At the end they are what was done.
 * And on the lock path: nobody changes the record of a pool that is stopped,
 * though he was on his way to it before.
 */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "pool/pool.h"
#include "sys/cpu.h"
#include "tests/check.h"
#include "tests/pools.h"
#include "tests/retire.h"

enum {
	MOST = 8,   /* objects that are held at once */
	SOME = 256, /* turns between two looks at whether to stop */
	TICK = 50,  /* microseconds */
};

static struct percu_pool *pool;
static uint64_t done; /* gets, and as many puts */
static _Atomic bool begun, enough;
static unsigned long reads, fewer;
static _Atomic unsigned long signals;

static void use(void)
{
	void *objs[MOST];

	pin(1);
	while (!enough) {
		for (unsigned int i = 0; i < SOME; i++) {
			size_t k =
				percu_pool_get_bulk(pool, objs, 1 + i % MOST);

			percu_pool_put_bulk(pool, objs, k);
			done += k;
		}
		begun = true;
	}
}

/* One look at each record that the pool has. */
static void look(struct record_counts *was)
{
	struct record_counts is;

	for (uint32_t i = 0; i < cpu_info.possible; i++) {
		if (!bitmap_test(pool->open, i))
			continue;
		record_read(record_at(pool->records, i), &is);
		fewer += is.gets < was[i].gets || is.puts < was[i].puts;
		was[i] = is;
	}
	reads++;
}

static void look_often(void)
{
	struct record_counts *was = calloc(cpu_info.possible, sizeof(*was));
	unsigned long want = check_short() ? 100000 : 2000000;

	CU_ASSERT_PTR_NOT_NULL_FATAL(was);
	pin(0);
	while (!begun)
		usleep(10);
	while (reads < want)
		look(was);
	enough = true;
	free(was);
}

static void thread(unsigned int i, void *arg)
{
	(void)arg;
	if (i)
		look_often();
	else
		use();
}

static void from_elsewhere(void)
{
	const struct percu_pool_attr attr = { .name = "read", .size = 64 };
	struct percu_pool_stats st;

	pool = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	check_threads(2, thread, NULL);
	printf("(%lu reads beside %llu gets) ", reads,
	       (unsigned long long)done);
	CU_ASSERT_EQUAL(fewer, 0);
	st = stats_of(pool);
	CU_ASSERT_EQUAL(st.gets, done);
	CU_ASSERT_EQUAL(st.puts, done);
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
}

/* Single gets and puts that the word counts, and bulk ones, in turn. */
static void interrupt(int sig)
{
	void *objs[MOST];
	size_t n = 1 + signals++ % MOST;

	(void)sig;
	n = percu_pool_get_bulk(pool, objs, n);
	percu_pool_put_bulk(pool, objs, n);
	done += n;
	for (n = signals % 3; n; n--, done++)
		percu_pool_put(pool, percu_pool_get(pool));
}

/* The thread holds no lock while it looks, so its handler may miss too. */
static void interrupted(void)
{
	const struct percu_pool_attr attr = { .name = "read", .size = 64 };
	struct record_counts *was = calloc(cpu_info.possible, sizeof(*was));
	const struct itimerval every = { { 0, TICK }, { 0, TICK } };
	const struct itimerval never = { 0 };
	const unsigned long want = check_short() ? 500 : 3000;
	struct percu_pool_stats st;

	CU_ASSERT_PTR_NOT_NULL_FATAL(was);
	pool = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	done = reads = fewer = 0;
	interrupt(0);
	pin(0);
	signal(SIGALRM, interrupt);
	setitimer(ITIMER_REAL, &every, NULL);
	while (signals < want)
		look(was);
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_IGN);
	unpin();
	printf("(%lu signals in %lu reads) ", signals, reads);
	CU_ASSERT_EQUAL(fewer, 0);
	st = stats_of(pool);
	CU_ASSERT_EQUAL(st.gets, done);
	CU_ASSERT_EQUAL(st.puts, done);
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
	free(was);
}

/* Who has found the base, and waits for the lock. */
static struct late {
	void *obj;
	_Atomic pid_t tid;
} late;

static void *put_late(void *arg)
{
	(void)arg;
	pin(0);
	late.tid = gettid();
	percu_pool_put(pool, late.obj);
	return NULL;
}

static void stopped(void)
{
	const struct percu_pool_attr attr = { .name = "stopped", .size = 64 };
	struct record *r;
	pthread_t id;
	uint64_t word;

	if (cpu_info.rseq) {
		check_skip("sequences, which wait for no lock");
		return;
	}
	pin(0);
	pool = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	percu_pool_put(pool, percu_pool_get(pool));
	late.obj = percu_pool_get(pool);
	r = record_at(pool->records, cpu_index());
	CU_ASSERT_FATAL(r->capacity > 0);

	lock_take(&pools.age, LOCK_AGE);
	lock_take(&r->lock, LOCK_RECORD);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&id, NULL, put_late, NULL), 0);
	while (!late.tid || thread_state(late.tid) != 'S')
		sched_yield();
	pool_stop(pool);
	word = r->word;
	lock_give(&r->lock, LOCK_RECORD);
	pthread_join(id, NULL);
	CU_ASSERT_EQUAL(r->word, word);
	pool_start(pool);
	lock_give(&pools.age, LOCK_AGE);
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
	unpin();
}

static const CU_TestInfo tests[] = {
	{ "a reader beside bulk operations sees one moment", from_elsewhere },
	{ "so does one that is interrupted by them", interrupted },
	{ "who waits for a record's lock finds the pool stopped", stopped },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return check_main("record", tests);
}
