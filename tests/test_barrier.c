/* SPDX-License-Identifier: MIT */
/*
 * tests/test_barrier.c - waiting for what was retired, and the reclaimer
 *
 * Laws: a barrier returns when all that was retired before it is put, and not
 * before, and waits for no more than that; the end of a pool waits likewise.
 * What nobody waits for comes back by itself, soon.  There is no thread before
 * there is work for one, and none runs when there is none left.
 */
#include <errno.h>
#include <percu/alloc.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pool/waiting.h"
#include "sys/conf.h"
#include "sys/os.h"
#include "sys/tool.h"
#include "tests/check.h"
#include "tests/pools.h"
#include "tests/retire.h"

enum {
	MANY = 300,
	SECOND = 1000000000, /* in ns */
};

static void retire_some(struct percu_pool *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		percu_pool_put_rcu(p, percu_pool_get(p));
}

static void call_barrier(void *arg)
{
	percu_pool_barrier(arg);
}

static void call_barriers(void *arg)
{
	(void)arg;
	percu_barrier();
}

static int ended;

static void call_destroy(void *arg)
{
	ended = percu_pool_destroy(arg);
}

static void patience(void)
{
	struct timespec ms = { 0, 1000000 };

	nanosleep(&ms, NULL);
}

/* Whoever waits for the pool waits while a reader holds. */
static void waits_for_readers(void)
{
	static void (*const fns[])(void *) = { call_barrier, call_barriers,
					       call_destroy };
	struct percu_pool *p = NULL;
	struct holder h;
	struct call c;

	for (int i = 0; i < 3; i++) {
		h = (struct holder){ .flavor = &urcu_bp_flavor };
		p = pool_of(&(struct percu_pool_attr){ .name = "waits",
						       .size = 64 });
		ended = 1;
		holder_begin(&h);
		retire_some(p, i ? MANY : 1);
		call_begin(&c, fns[i], p);
		CU_ASSERT_TRUE(call_waits(&c));
		CU_ASSERT_EQUAL(ended, 1);
		holder_end(&h);
		call_end(&c);
		if (fns[i] == call_destroy) {
			CU_ASSERT_EQUAL(ended, 0);
			continue;
		}
		CU_ASSERT_EQUAL(stats_of(p).deferred, 0);
		CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	}
	ASSERT_POOLS_HOLD(0);
}

/* Until one has begun that waits for readers. */
static void grace_begins(void)
{
	while (!round_since())
		usleep(1000);
}

/* A reader that comes later is not waited for: it can have found nothing. */
static void later_readers(void)
{
	struct percu_pool *p = pool_of(
		&(struct percu_pool_attr){ .name = "later", .size = 64 });
	struct holder first = { .flavor = &urcu_bp_flavor };
	struct holder second = { .flavor = &urcu_bp_flavor };
	struct call c;

	holder_begin(&first);
	retire_some(p, 1); /* more would be waited for one after the other */
	call_begin(&c, call_barrier, p);
	grace_begins();
	CU_ASSERT_TRUE(call_waits(&c));
	holder_begin(&second);
	holder_end(&first);
	call_end(&c);
	CU_ASSERT_EQUAL(stats_of(p).deferred, 0);
	holder_end(&second);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

/* Of threads that go on retiring to the pool meanwhile. */
static struct percu_pool *flooded;
static _Atomic bool stop;
static _Atomic unsigned long retired, unput, unended;

struct drop {
	bool own, back; /* of who waits for it; else it is of the flood */
};

static void drop_back(void *obj, void *arg)
{
	struct drop *d = obj;

	(void)arg;
	if (d->own)
		d->back = true;
	else
		free(d);
}

static void flood_thread(unsigned int i, void *arg)
{
	unsigned int n = *(unsigned int *)arg;

	if (!i) {
		for (unsigned int k = 0; k < n; k++) {
			struct drop d = { .own = true };

			percu_pool_put_rcu(flooded, &d);
			if (k % 2) /* somebody else may spill it */
				sched_yield();
			percu_pool_barrier(flooded);
			unput += !d.back;
			while (!d.back)
				percu_pool_barrier(flooded);
		}
		stop = true;
		return;
	}
	while (!stop) {
		percu_pool_put_rcu(flooded, calloc(1, sizeof(struct drop)));
		retired++;
	}
}

static void beside_flood(void)
{
	unsigned int n = tool_any() ? 20 : check_short() ? 100 : 500;

	flooded = release_pool_create("flooded", 1024, drop_back, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(flooded);
	stop = false;
	retired = unput = 0;
	check_threads(4, flood_thread, &n);
	printf("(%u barriers beside %lu retirements) ", n, retired);
	CU_ASSERT_EQUAL(unput, 0);
	percu_pool_barrier(flooded);
	CU_ASSERT_EQUAL(stats_of(flooded).deferred, 0);
	CU_ASSERT_EQUAL(stats_of(flooded).puts_rcu, retired + n);
	CU_ASSERT_EQUAL(percu_pool_destroy(flooded), 0);
}

/* What a thread has retired itself is put when its barrier returns. */
static void barriers_thread(unsigned int i, void *arg)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "own", .size = 48 });
	int n = *(int *)arg;

	for (int k = 0; k < n; k++) {
		retire_some(p, 1 + (i * 7 + (unsigned int)k) % 100);
		if (k % 3)
			percu_pool_barrier(p);
		else
			percu_barrier();
		if (stats_of(p).deferred)
			unput++;
	}
	retire_some(p, 1);
	if (percu_pool_destroy(p))
		unended++;
}

static void many_barriers(void)
{
	int n = tool_any() ? 5 : check_short() ? 50 : 300;

	unput = unended = 0;
	check_threads(6, barriers_thread, &n);
	CU_ASSERT_EQUAL(unput, 0);
	CU_ASSERT_EQUAL(unended, 0);
	ASSERT_POOLS_HOLD(0);
}

/* -EBUSY: the pool lives on. */
static void busy(void)
{
	struct percu_pool *p = pool_of(
		&(struct percu_pool_attr){ .name = "busy", .size = 64 });
	void *obj = percu_pool_get(p);

	retire_some(p, MANY);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), -EBUSY);
	CU_ASSERT_EQUAL(stats_of(p).deferred, 0);
	CU_ASSERT_EQUAL(stats_of(p).outstanding, 1);
	retire_some(p, MANY);
	percu_pool_put_rcu(p, obj);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	ASSERT_POOLS_HOLD(0);
}

static _Atomic unsigned long ctors, dtors;

static int ctor(void *obj, void *arg)
{
	(void)obj;
	(void)arg;
	ctors++;
	return 0;
}

static void dtor(void *obj, void *arg)
{
	(void)obj;
	(void)arg;
	dtors++;
}

/* The end of a pool: every object is destroyed, once, and not before. */
static void end_destroys(void)
{
	struct percu_pool *p = pool_of(&(struct percu_pool_attr){
		.name = "ends", .size = 64, .ctor = ctor, .dtor = dtor });
	struct holder h = { .flavor = &urcu_bp_flavor };
	void *objs[MANY];
	struct call c;

	ctors = dtors = 0;
	CU_ASSERT_EQUAL_FATAL(percu_pool_get_bulk(p, objs, MANY), MANY);
	holder_begin(&h);
	for (int i = 0; i < MANY; i++)
		percu_pool_put_rcu(p, objs[i]);
	call_begin(&c, call_destroy, p);
	CU_ASSERT_TRUE(call_waits(&c));
	CU_ASSERT_EQUAL(dtors, 0);
	holder_end(&h);
	call_end(&c);
	CU_ASSERT_EQUAL(ended, 0);
	CU_ASSERT_EQUAL(ctors, dtors);
	ASSERT_POOLS_HOLD(0);
}

/* A pool's descriptor, used again, remembers nothing. */
static void many_pools(void)
{
	int n = tool_any() ? 70 : 300;

	for (int i = 0; i < n; i++) {
		struct percu_pool *p = pool_of(&(struct percu_pool_attr){
			.name = "again", .size = 8u << i % 10 });

		CU_ASSERT_EQUAL(stats_of(p).puts_rcu, 0);
		retire_some(p, (size_t)i % 150);
		CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
	}
	ASSERT_POOLS_HOLD(0);
}

/* In programs of their own: threads, and time. ------------------------------------ */

/*
 * What somebody has taken from a record and not handed over yet, on each of the
 * sides: a barrier is not content with what others hand over meanwhile.
 * PERCU: defer_age:600000, so that nobody else takes it.
 */
static void child_taken(void)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "taken", .size = 64 });
	struct retire *r = &p->retire;
	struct magazine *m;
	struct call c;
	uint64_t out;

	pin(0);
	for (unsigned int side = 0; side < 2; side++) {
		retire_some(p, 1);
		m = depot_obtain(p);
		retire_enter(r, m);
		child_must(m->side == side);
		m->count = (uint32_t)record_spill(r, m->slot, p->magazine);
		child_must(m->count);
		magazine_check_in(p, m->slot, m->count);
		m->wait.site = NULL;
		call_begin(&c, call_barrier, p);
		child_must(call_waits(&c));
		out = counter_read(&r->out);
		retire_some(p, MANY);
		while (counter_read(&r->out) == out)
			patience();
		child_must(call_waits(&c));
		retire_hand_over(r, m);
		call_end(&c);
	}
	percu_pool_barrier(p);
	child_must(stats_of(p).deferred == 0);
	child_must(pools_hold(0));
	child_must(!percu_pool_destroy(p));
}

static void taken(void)
{
	CU_ASSERT_TRUE(run_again("defer_age:600000", "taken"));
}

/* What is retired in a record and forgotten is back in time. */
static uint64_t ns_until_back(struct percu_pool *p, uint64_t from)
{
	while (stats_of(p).deferred && os_clock() - from < 50ull * SECOND)
		patience();
	return os_clock() - from;
}

static void child_flushes(void)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "aged", .size = 64 });
	void *obj = percu_pool_get(p), *block = percu_alloc(100000);
	uint64_t age = conf.defer_age * 1000000ull, from = os_clock(), ns;

	percu_pool_put_rcu(p, obj);
	ns = ns_until_back(p, from);
	/* Who waits less than that has not waited for others. */
	child_must(ns >= age);
	child_must(ns < age + 20ull * SECOND);
	/* A block beside it, on whatever CPU this is now. */
	from = os_clock();
	percu_free_rcu(block);
	child_must(ns_until_back(&large_pool, from) < age + 20ull * SECOND);
	child_must(!percu_pool_destroy(p));
}

static void flushed_in_time(void)
{
	/* Each in a process of its own, where no flush is due for another. */
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(run_again("defer_age:50", "flushes"));
		CU_ASSERT_TRUE(run_again("defer_age:300", "flushes"));
	}
}

/* What fills a record does not wait for its flush. */
static void child_fills(void)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "filled", .size = 64 });
	uint64_t from = os_clock();

	pin(0);
	/* The first may find the reclaimer before it has fallen asleep. */
	for (int i = 0; i < 5; i++) {
		retire_some(p, MANY);
		while (stats_of(p).deferred > 2 * p->magazine)
			patience();
	}
	child_must(os_clock() - from < conf.defer_age * 1000000ull / 2);
	child_must(!percu_pool_destroy(p));
}

static void filled_in_time(void)
{
	CU_ASSERT_TRUE(run_again("defer_age:50000", "fills"));
}

/* Cancelled while it waits: it waits on, and what it holds is given back. */
static void child_cancelled(void)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "cancelled", .size = 64 });
	struct holder h = { .flavor = &urcu_bp_flavor };
	struct call c;

	alarm(60);
	holder_begin(&h);
	retire_some(p, MANY);
	call_begin(&c, call_barrier, p);
	child_must(call_waits(&c));
	child_must(!pthread_cancel(c.id));
	child_must(call_waits(&c));
	holder_end(&h);
	call_end(&c);
	child_must(c.returned);
	child_must(!percu_pool_destroy(p));
}

static void cancelled(void)
{
	CU_ASSERT_TRUE(run_again("", "cancelled"));
}

static uint64_t cpu_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

/* A reclaimer that comes while somebody runs its round waits for him. */
static void child_late(void)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "late", .size = 64 });
	struct holder h = { .flavor = &urcu_bp_flavor };
	struct call c;
	uint64_t from;

	alarm(60);
	os_fault_arm(1 << OS_THREAD, 1, true);
	holder_begin(&h);
	retire_some(p, MANY);
	call_begin(&c, call_barrier, p);
	grace_begins();
	child_must(!threads_named("percu-reclaim", NULL));
	os_fault_disarm();
	retire_some(p, MANY);
	child_must(threads_named("percu-reclaim", NULL) == 1);
	from = cpu_time();
	for (int i = 0; i < 300; i++)
		patience();
	child_must(cpu_time() - from < SECOND / 20);
	holder_end(&h);
	call_end(&c);
	while (stats_of(p).deferred)
		patience();
	child_must(!percu_pool_destroy(p));
}

static void late(void)
{
	CU_ASSERT_TRUE(run_again("", "late"));
}

static long switches_of(pid_t tid)
{
	char path[64], text[4096], *p;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)tid);
	n = os_read_file(path, text, sizeof(text));
	p = n > 0 ? strstr(text, "\nvoluntary_ctxt_switches:") : NULL;
	return p ? strtol(p + 25, NULL, 10) : -1;
}

static void *retire_pinned(void *arg)
{
	pin(0);
	percu_pool_put_rcu(arg, percu_pool_get(arg));
	return NULL;
}

static void child_threads(void)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "quiet", .size = 64 });
	unsigned int before = nr_threads();
	long switches, later;
	cpu_set_t ours, its;
	pthread_t id;
	pid_t tid = 0;

	percu_pool_put(p, percu_pool_get(p));
	percu_free(percu_alloc(100000));
	percu_pool_barrier(p);
	percu_barrier();
	percu_age();
	percu_pool_put_rcu(p, NULL);
	child_must(nr_threads() == before);
	child_must(!threads_named("percu-reclaim", NULL));
	pthread_create(&id, NULL, retire_pinned, p);
	pthread_join(id, NULL);
	child_must(threads_named("percu-reclaim", NULL) == 1);
	percu_pool_barrier(p);
	percu_barrier();
	child_must(threads_named("percu-reclaim", &tid) == 1);
	/* It may run where the program may, and not where that thread was. */
	child_must(!sched_getaffinity(0, sizeof(ours), &ours) &&
		   !sched_getaffinity(tid, sizeof(its), &its) &&
		   CPU_EQUAL(&ours, &its));
	/* The flush that was due is over too; then it sleeps for good. */
	ns_until_back(p, os_clock());
	for (int i = 0; i < 300; i++)
		patience();
	switches = switches_of(tid);
	child_must(switches > 0);
	for (int i = 0; i < 500; i++)
		patience();
	/* Gets, puts and their misses are nothing to it. */
	for (int i = 0; i < 1000; i++)
		percu_pool_put(p, percu_pool_get(p));
	later = switches_of(tid);
	child_must(later == switches);
	child_must(thread_state(tid) == 'S');
	/* And the watch, and one of TSan. */
	child_must(nr_threads() <= before + 2 + tool.tsan);
	child_must(!percu_pool_destroy(p));
}

static void threads(void)
{
	CU_ASSERT_TRUE(run_again("defer_age:20", "threads"));
	CU_ASSERT_TRUE(run_again("stall:0,defer_age:20", "threads"));
}

/* Nothing at exit waits for a reader that does not leave. */
static void child_exits(void)
{
	static struct holder h = { .flavor = &urcu_bp_flavor };
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "left", .size = 64 });

	holder_begin(&h);
	retire_some(p, MANY);
}

static void exits(void)
{
	CU_ASSERT_TRUE(run_again("defer_soft:1,defer_hard:1m", "exits"));
	CU_ASSERT_TRUE(run_again("", "exits"));
}

static const struct again agains[] = {
	{ "flushes", child_flushes }, { "taken", child_taken },
	{ "fills", child_fills },     { "cancelled", child_cancelled },
	{ "late", child_late },       { "threads", child_threads },
	{ "exits", child_exits },     { NULL, NULL },
};

static const CU_TestInfo tests[] = {
	{ "barriers and the end of a pool wait for readers",
	  waits_for_readers },
	{ "nobody waits for a reader that came later", later_readers },
	{ "a barrier returns while others go on retiring", beside_flood },
	{ "a barrier waits for what is on its way", taken },
	{ "barriers of many pools at once", many_barriers },
	{ "a pool with objects out lives on", busy },
	{ "objects are destroyed after their readers", end_destroys },
	{ "one pool after the other", many_pools },
	{ "a record that is not full is flushed in time", flushed_in_time },
	{ "one that is full is not flushed", filled_in_time },
	{ "a barrier is no cancellation point", cancelled },
	{ "a reclaimer that comes late sleeps meanwhile", late },
	{ "threads: none before, and asleep after", threads },
	{ "a program ends while a reader holds", exits },
	CU_TEST_INFO_NULL
};

int main(int argc, char **argv)
{
	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("barrier", tests);
}
