/* SPDX-License-Identifier: MIT */
/*
 * tests/test_workers_misuse.c - what workers must not do
 *
 * Each misuse ends the program with one line that names the worker.  A stack
 * that is overrun is found at once by its guard, or else, where a guard cannot
 * be had, at the next switch by its mark.
 */
#include <CUnit/CUnit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <urcu-bp.h>

#include "tests/check.h"
#include "tests/crew.h"

static void send_closed(void *arg)
{
	chan_close(arg);
	chan_send(arg, NULL);
}

static void close_twice(void *arg)
{
	chan_close(arg);
	chan_close(arg);
}

static void send_one(void *arg)
{
	chan_send(arg, NULL);
}

static void close_under(void *arg)
{
	worker_go(send_one, arg, "sender", 7);
	worker_sleep(1);
	chan_close(arg);
}

static void free_under(void *arg)
{
	worker_go(send_one, arg, "sender", 7);
	worker_sleep(1);
	chan_free(arg);
}

static void yield_reading(void *arg)
{
	(void)arg;
	rcu_read_lock();
	worker_yield();
}

static void send_reading(void *arg)
{
	rcu_read_lock();
	chan_send(arg, NULL);
}

static void end_reading(void *arg)
{
	(void)arg;
	rcu_read_lock();
}

static void done_twice(void *arg)
{
	struct group *g = group_new("team");

	(void)arg;
	group_add(g, 1);
	group_done(g);
	group_done(g);
}

static void hold_many(void *arg)
{
	static const char what[HOLDINGS + 1]; /* addresses are names */

	(void)arg;
	for (int i = 0; i <= HOLDINGS; i++)
		worker_holds(&what[i], 1);
}

static void (*abuse)(void *arg);

static void abuse_run(void *arg)
{
	struct sched *s = crew(1, 1);

	(void)arg;
	sched_go(s, abuse, chan_new("jobs", 0), "fool", 3);
	sched_run(s);
}

static void abuse_outside(void *arg)
{
	(void)arg;
	chan_send(chan_new("jobs", 1), NULL);
}

static void test_misuse(void)
{
	static const struct {
		void (*fn)(void *arg);
		const char *says;
	} cases[] = {
		{ send_closed, "sends on channel \"jobs\", which is closed" },
		{ close_twice, "closes channel \"jobs\" twice" },
		{ close_under,
		  "closes channel \"jobs\", which worker \"sender 7\" sends on" },
		{ free_under,
		  "frees channel \"jobs\", which worker \"sender 7\" waits for" },
		{ yield_reading, "yields inside a read section" },
		{ send_reading,
		  "sends on channel \"jobs\" inside a read section" },
		{ end_reading, "finishes inside a read section" },
		{ done_twice,
		  "is done with group \"team\" more often than was added" },
		{ hold_many, "holds objects of more than 20 pools" },
	};
	char line[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(line, sizeof(line),
			 "workers: misuse: worker \"fool 3\" %s\n",
			 cases[i].says);
		abuse = cases[i].fn;
		CU_ASSERT_TRUE(check_aborts(abuse_run, NULL, line));
	}
	CU_ASSERT_TRUE(check_aborts(
		abuse_outside, NULL,
		"workers: misuse: a thread sends on channel, but is no worker\n"));
}

__attribute__((noinline)) static unsigned int deep(unsigned int n)
{
	volatile unsigned char frame[1024];

	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (unsigned char)n;
	return n ? deep(n - 1) + frame[n % 1024] : 0;
}

static void overrun(void *arg)
{
	(void)arg;
	deep(200);
	worker_yield();
}

static void rest(void *arg)
{
	(void)arg;
	worker_sleep(1);
}

/* The stacks behind its own are those of workers that rest. */
static void overrun_run(void *arg)
{
	const struct sched_attr attr = { .repeatable = true,
					 .marks = *(bool *)arg };
	struct sched *s = sched_new(&attr);

	for (unsigned int i = 0; i < 8; i++)
		sched_go(s, rest, NULL, "rest", i);
	sched_go(s, overrun, NULL, "fool", 3);
	sched_run(s);
}

/* By a guard at once, by a mark at the next switch. */
static void test_overrun(void)
{
	bool marks = false;
	char out[1024];
	int status = check_fork(overrun_run, &marks, out, sizeof(out));

	CU_ASSERT_TRUE(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV ||
					       WTERMSIG(status) == SIGBUS));
	marks = true;
	CU_ASSERT_TRUE(check_aborts(
		overrun_run, &marks,
		"workers: misuse: worker \"fool 3\" has overrun its stack\n"));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "misuse is named", test_misuse },
		{ "a stack that is overrun is found", test_overrun },
		CU_TEST_INFO_NULL
	};

	return check_main("workers_misuse", tests);
}
