/* SPDX-License-Identifier: MIT */
/*
 * tests/test_workers_run.c - how workers of the stress tool are run
 *
 * Workers run on any thread: where one is busy, another takes its workers.
 * There may be very many.  A run with one thread is repeated by its seed.  Who
 * has not finished is named, with what it waits for, what it holds, and how it
 * came there.
 */
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif
#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZED 1
#endif
#endif
#ifndef THREAD_SANITIZED
#define THREAD_SANITIZED 0
#endif
#if defined(__SANITIZE_ADDRESS__)
#define STACKS_ARE_OURS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STACKS_ARE_OURS 0
#endif
#endif
#ifndef STACKS_ARE_OURS
#define STACKS_ARE_OURS (!THREAD_SANITIZED && !RUNNING_ON_VALGRIND)
#endif
#include <CUnit/CUnit.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/crew.h"

/* Threads. --------------------------------------------------------------------- */

static _Atomic bool freed;

static void holder_free(void *arg)
{
	(void)arg;
	atomic_store(&freed, true);
}

/* Keeps its thread, and what it waits for is in that thread's queue: somebody
 * has to wake up for it. */
static void holder(void *arg)
{
	struct sched_stats st;

	do {
		sched_yield();
		sched_stats(arg, &st);
	} while (!st.idles);
	worker_go(holder_free, NULL, "free", 0);
	while (!atomic_load(&freed))
		sched_yield();
}

static void test_steal(void)
{
	struct sched *s = crew(2, check_seed());
	struct sched_stats st;

	atomic_store(&freed, false);
	sched_go(s, holder, s, "holder", 0);
	CU_ASSERT_EQUAL(crew_end(s, &st), 0);
	CU_ASSERT_TRUE(st.steals >= 1 && st.stolen >= st.steals);
}

/* Two that wait for each other all the time, each on its own thread if it can
 * be: until some have been woken before they had left their stacks. */
enum {
	EARLY = 20,
	EARLY_TRIES = 50,
};

static void ping(void *arg)
{
	struct chan **c = arg;
	void *p = NULL;

	for (int i = 0; i < 20000; i++) {
		chan_send(c[0], p);
		chan_recv(c[1], &p);
	}
}

static void pong(void *arg)
{
	struct chan **c = arg;
	void *p;

	for (int i = 0; i < 20000; i++) {
		chan_recv(c[0], &p);
		chan_send(c[1], as_p((uintptr_t)p + 1));
	}
	if (p != as_p(19999))
		abort();
}

static void test_early(void)
{
	const struct sched_attr attr = { .threads = 2, .scatter = 1 };
	uint64_t early = 0;

	for (int i = 0; i < EARLY_TRIES && early < EARLY; i++) {
		struct chan *c[2] = { chan_new("ping", 0),
				      chan_new("pong", 0) };
		struct sched *s = sched_new(&attr);
		struct sched_stats st;

		sched_go(s, ping, c, "ping", 0);
		sched_go(s, pong, c, "pong", 0);
		CU_ASSERT_EQUAL(crew_end(s, &st), 0);
		early += st.early;
		chan_free(c[0]);
		chan_free(c[1]);
	}
	printf("(%llu early) ", (unsigned long long)early);
	if (!early)
		check_skip("no worker was woken early: one CPU?");
}

/* Resident, in bytes. */
static uint64_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	if (!f || fscanf(f, "%*u %lu", &pages) != 1)
		CU_FAIL("no statm");
	if (f)
		fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

struct ring {
	uint64_t resident; /* when all of them wait */
	struct chan **c;
	unsigned int nr, rounds;
	_Atomic uint64_t passed;
};

struct seat {
	struct ring *r;
	unsigned int nth;
};

static void ring_pass(void *arg)
{
	const struct seat *me = arg;
	struct ring *r = me->r;
	void *p;

	for (unsigned int i = 0; i < r->rounds; i++) {
		chan_recv(r->c[me->nth], &p);
		atomic_fetch_add(&r->passed, 1);
		/* The last of the last round keeps it. */
		if (me->nth + 1 == r->nr && !i)
			r->resident = resident();
		if (me->nth + 1 < r->nr || i + 1 < r->rounds)
			chan_send(r->c[(me->nth + 1) % r->nr],
				  as_p((uintptr_t)p + 1));
	}
}

static void ring_start(void *arg)
{
	struct ring *r = arg;

	chan_send(r->c[0], as_p(1));
}

enum {
	MANY = 10000,
	EACH_MAX = 8192, /* bytes: 100,000 are 0.8 GB, of the 4 that they may */
};

static void ring_run(unsigned int threads, unsigned int nr, size_t stack)
{
	struct ring r = { .nr = nr, .rounds = 2 };
	const struct sched_attr attr = { .threads = threads,
					 .repeatable = threads == 1,
					 .stack = stack };
	struct sched *s = sched_new(&attr);
	struct seat *seats = calloc(nr, sizeof(*seats));
	uint64_t before = resident(), each;
	struct sched_stats st;

	r.c = calloc(nr, sizeof(struct chan *));
	for (unsigned int i = 0; i < nr; i++) {
		r.c[i] = chan_new("ring", 1);
		seats[i] = (struct seat){ &r, i };
		sched_go(s, ring_pass, &seats[i], "ring", i);
	}
	sched_go(s, ring_start, &r, "start", 0);
	CU_ASSERT_EQUAL(crew_end(s, &st), 0);
	CU_ASSERT_EQUAL(r.passed, (uint64_t)nr * r.rounds);
	CU_ASSERT_EQUAL(st.most, nr + 1);
	CU_ASSERT_TRUE(st.guarded <= nr + 1);
	if (STACKS_ARE_OURS && nr >= MANY && !stack) {
		each = (r.resident - before) / nr;
		printf("(%llu bytes each) ", (unsigned long long)each);
		CU_ASSERT_TRUE(each <= EACH_MAX);
	}
	for (unsigned int i = 0; i < nr; i++)
		chan_free(r.c[i]);
	free(r.c);
	free(seats);
}

static void test_many(void)
{
	/* Valgrind looks through all stacks at each switch, and a worker is a
	 * thread to TSan, which has no more than 8000. */
	unsigned int nr = RUNNING_ON_VALGRIND ? 300 :
			  THREAD_SANITIZED    ? 1000 :
						MANY;

	ring_run(1, nr / 10, 0);
	ring_run(2, nr, 0);
}

static _Atomic unsigned int entered, left;

static void on_enter(void *arg)
{
	(void)arg;
	atomic_fetch_add(&entered, 1);
}

static void on_leave(void *arg)
{
	(void)arg;
	atomic_fetch_add(&left, 1);
}

static _Atomic unsigned int replaced;

/* Until other threads have had some of these, and ended. */
static void replace(void *arg)
{
	(void)arg;
	while (atomic_load(&replaced) < 20) {
		if (worker_replace_thread())
			atomic_fetch_add(&replaced, 1);
		worker_yield();
	}
}

static void test_replace(void)
{
	const struct sched_attr attr = { .threads = THREADS,
					 .enter = on_enter,
					 .leave = on_leave };
	struct sched *s = sched_new(&attr);

	entered = left = replaced = 0;
	for (unsigned int i = 0; i < 20; i++)
		sched_go(s, replace, NULL, "replace", i);
	CU_ASSERT_EQUAL(crew_end(s, NULL), 0);
	CU_ASSERT_TRUE(replaced > 0);
	CU_ASSERT_EQUAL(entered, left);
	CU_ASSERT_TRUE(entered > THREADS && entered <= THREADS + replaced);
}

/* Repeatable runs. ---------------------------------------------------------------- */

struct walk {
	struct chan *c;
	uint64_t where; /* depends on the order of all steps */
};

static void walk(void *arg)
{
	struct walk *wk = arg;

	for (unsigned int i = 0; i < 50; i++) {
		void *p;

		wk->where = wk->where * 31 + worker_draw(1000);
		if (worker_draw(2))
			worker_yield();
		chan_send(wk->c, as_p(wk->where));
		worker_sleep(worker_draw(100000));
		chan_recv(wk->c, &p);
		wk->where ^= (uintptr_t)p + worker_now();
	}
}

static uint64_t walk_run(uint64_t seed, uint64_t *where)
{
	struct walk wk = { .c = chan_new("walk", 3) };
	struct sched *s = crew(1, seed);
	struct sched_stats st;

	for (unsigned int i = 0; i < 3; i++)
		sched_go(s, walk, &wk, "walk", i);
	CU_ASSERT_EQUAL(crew_end(s, &st), 0);
	chan_free(wk.c);
	*where = wk.where;
	return st.trace;
}

static void test_repeat(void)
{
	uint64_t where[3];
	uint64_t a = walk_run(11, &where[0]);
	uint64_t b = walk_run(11, &where[1]);
	uint64_t c = walk_run(12, &where[2]);

	CU_ASSERT_EQUAL(a, b);
	CU_ASSERT_EQUAL(where[0], where[1]);
	CU_ASSERT_NOT_EQUAL(a, c);
	CU_ASSERT_NOT_EQUAL(where[0], where[2]);
	CU_ASSERT_NOT_EQUAL(a, 0);
}

/* Leaks. -------------------------------------------------------------------------- */

static char leaks[4096];
static int send_line, sender_line;
static void *volatile kept[16]; /* or they would be lost */
static unsigned int nr_kept;

static void leak_line(const char *text, void *arg)
{
	size_t len = strlen(leaks);

	(void)arg;
	snprintf(leaks + len, sizeof(leaks) - len, "%s\n", text);
}

/* The calls are no tail calls, or there would be no frames. */
__attribute__((noinline)) static void leak_send(struct chan *c)
{
	send_line = __LINE__ + 1;
	chan_send(c, NULL);
	__asm__ volatile("");
}

static void leak_sender(void *arg)
{
	worker_holds("blob", 3);
	worker_holds("word", 1);
	worker_holds("blob", -1);
	chan_send(arg, NULL);
	sender_line = __LINE__ + 1;
	leak_send(arg);
	__asm__ volatile("");
}

static void leak_waiter(void *arg)
{
	group_wait(arg);
	__asm__ volatile("");
}

static void leak_selector(void *arg)
{
	struct chan **c = arg;
	struct chan_case k[2] = { { .c = c[0], .how = CHAN_RECV },
				  { .c = c[1], .how = CHAN_RECV } };

	chan_select(k, 2, true);
}

static void leak_sleep(void *arg)
{
	(void)arg;
	worker_sleep(UINT64_MAX / 2);
	__asm__ volatile("");
}

/* Runs it, and cuts each line before the frames, but for the sender's. */
static void leaks_run(struct sched *s, size_t nr)
{
	CU_ASSERT_EQUAL(sched_run(s), nr);
	leaks[0] = '\0';
	CU_ASSERT_EQUAL(sched_leaks(s, leak_line, NULL), nr);
	sched_free(s);
}

static const char *leaks_cut(void)
{
	static char cut[sizeof(leaks)];
	char *to = cut;

	for (const char *p = leaks; *p; p++) {
		if (!strncmp(p, "; in ", 5))
			p += strcspn(p, "\n");
		*to++ = *p;
	}
	*to = '\0';
	return cut;
}

/* Two may be on either side of each other: by address. */
static void leaks_stuck(unsigned int threads)
{
	struct chan *c = chan_new("parsed", 1);
	struct chan *two[2] = { chan_new("left", 1), chan_new("left", 0) };
	struct group *g = group_new("never");
	struct sched *s = crew(threads, 3);
	char want[256];

	group_add(g, 1);
	sched_go(s, leak_sender, c, "producer", 4);
	sched_go(s, leak_waiter, g, "waiter", 0);
	sched_go(s, leak_selector, two, "selector", 1);
	leaks_run(s, 3);
	CU_ASSERT_STRING_EQUAL(
		leaks_cut(),
		"worker \"producer 4\" sends on channel \"parsed\"; holds 2 of \"blob\", 1 of \"word\"\n"
		"worker \"waiter 0\" waits for group \"never\"\n"
		"worker \"selector 1\" selects on channel \"left\" or \"left\"\n");
	snprintf(
		want, sizeof(want),
		"; in leak_send (test_workers_run.c:%d) < leak_sender (test_workers_run.c:%d)\n",
		send_line, sender_line);
	if (system("addr2line -v >/dev/null 2>&1"))
		check_skip("no addr2line, so no names of functions");
	else if (!strstr(leaks, want))
		CU_FAIL("no frames");
	/* Workers that nobody will ever wake wait for them: not to be freed. */
	kept[nr_kept++] = c;
	kept[nr_kept++] = two[0];
	kept[nr_kept++] = two[1];
	kept[nr_kept++] = g;
}

static void leaks_limit(unsigned int threads)
{
	const struct sched_attr attr = { .threads = threads,
					 .repeatable = threads == 1,
					 .limit_ns = 20000000 };
	struct sched *s = sched_new(&attr);

	for (unsigned int i = 0; i < LEAKS_SHOWN + 3; i++)
		sched_go(s, leak_sleep, NULL, "sleeper", i);
	leaks_run(s, LEAKS_SHOWN + 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(leaks, "worker \"sleeper 0\" sleeps"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(leaks, "\n3 more workers have not finished\n"));
}

static void test_leaks(void)
{
	leaks_stuck(1);
	leaks_stuck(THREADS);
	leaks_limit(1);
	leaks_limit(THREADS);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "an idle thread steals", test_steal },
		{ "a worker is woken before it has left", test_early },
		{ "ten thousand workers", test_many },
		{ "a thread is replaced", test_replace },
		{ "a seed repeats a run", test_repeat },
		{ "leaks are named", test_leaks },
		CU_TEST_INFO_NULL
	};

	return check_main("workers_run", tests);
}
