// SPDX-License-Identifier: MIT
/*
 * stress/storm.c - what else happens to the threads of churn
 *
 * A restartable sequence is aborted when its thread is preempted, moved to
 * another CPU, or interrupted by a signal.  So threads are moved by themselves
 * and by others, and each has a timer of its own that signals it.  The
 * handler does no more than count: a miss in a handler that interrupted percu
 * would not be safe, and percu says so.
 *
 * Children are forked by a thread of its own, which has items: the child
 * gives its copies of them back, works on alone, and must find its own gets
 * and puts counted exactly.  What the other threads held at the time of the
 * fork stays out in the child for ever; the parent notices nothing.
 */
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "churn.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
	SIGNAL_NS = 150 * 1000,
	FORK_MS = 20,
	CHILD_ITEMS = 24,
	CHILD_ROUNDS = 300,
	CHILD_WAIT_MS = 60 * 1000,
};

static _Atomic uint64_t signals, moves;
static __thread timer_t timer;
static __thread bool has_timer;

static void on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add_explicit(&signals, 1, memory_order_relaxed);
}

bool storm_signal_init(void)
{
	struct sigaction sa = { .sa_handler = on_signal,
				.sa_flags = SA_RESTART };

	sigemptyset(&sa.sa_mask);
	atomic_store(&signals, 0);
	atomic_store(&moves, 0);
	return !sigaction(SIGUSR1, &sa, NULL);
}

void storm_signal_begin(void)
{
	struct itimerspec each = {
		.it_interval.tv_nsec = SIGNAL_NS,
		.it_value.tv_nsec = SIGNAL_NS,
	};
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID,
			       .sigev_signo = SIGUSR1 };

	ev.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	has_timer = !timer_create(CLOCK_MONOTONIC, &ev, &timer);
	if (has_timer)
		timer_settime(timer, 0, &each, NULL);
}

void storm_signal_end(void)
{
	if (has_timer)
		timer_delete(timer);
	has_timer = false;
}

uint64_t storm_signals(void)
{
	return atomic_load(&signals);
}

/* One time in four the thread may again run anywhere. */
void storm_move(struct hand *h, pid_t tid)
{
	int cpu = rng_below(&h->rng, 4) ?
			  cpu_nth(rng_below(&h->rng, nr_cpus())) :
			  -1;

	cpu_pin(tid, cpu);
	atomic_fetch_add_explicit(&moves, 1, memory_order_relaxed);
}

uint64_t storm_moves(void)
{
	return atomic_load(&moves);
}

static struct forker {
	pthread_t thread;
	atomic_bool stop;
	_Atomic uint64_t forks;
	struct hand hand;
	struct item items[CHILD_ITEMS];
} forker;

static void items_round(struct hand *h, struct item *items)
{
	struct item *it = &items[rng_below(&h->rng, CHILD_ITEMS)];

	if (it->p)
		item_give(h, it);
	else
		item_take(h, it);
}

static void items_empty(struct hand *h, struct item *items)
{
	for (struct item *it = items; it < items + CHILD_ITEMS; it++)
		if (it->p)
			item_give(h, it);
}

/* Alone here, so that the counts are exact at once. */
static void child_audit(const struct percu_pool_stats *was,
			const struct hand *before)
{
	for (size_t i = 0; i < NR_KINDS; i++) {
		uint64_t got = forker.hand.got[i] - before->got[i];
		uint64_t put = forker.hand.put[i] - before->put[i];
		struct percu_pool_stats is;

		percu_pool_stats(kinds[i].pool, &is);
		if (is.gets - was[i].gets != got ||
		    is.puts - was[i].puts != put)
			fail("%s: a forked child's %llu gets and %llu puts count as %llu and %llu",
			     is.name, (unsigned long long)got,
			     (unsigned long long)put,
			     (unsigned long long)(is.gets - was[i].gets),
			     (unsigned long long)(is.puts - was[i].puts));
	}
	audit_identities();
}

__attribute__((noreturn)) static void child(uint64_t seed)
{
	unsigned int failures = verdict_failures();
	struct percu_pool_stats was[NR_KINDS];
	struct hand *h = &forker.hand, before = *h;

	h->rng.state = seed;
	for (size_t i = 0; i < NR_KINDS; i++)
		percu_pool_stats(kinds[i].pool, &was[i]);
	for (int i = 0; i < CHILD_ROUNDS; i++)
		items_round(h, forker.items);
	bulk_round(h);
	if (!rng_below(&h->rng, 2))
		percu_age();
	items_empty(h, forker.items);
	if (!rng_below(&h->rng, 2))
		percu_pool_shrink(kinds[rng_below(&h->rng, NR_KINDS)].pool);
	child_audit(was, &before);
	_exit(verdict_failures() != failures);
}

static void child_wait(pid_t pid)
{
	int status;

	for (int ms = 0; ms < CHILD_WAIT_MS; ms++) {
		pid_t done = waitpid(pid, &status, WNOHANG);

		if (done == pid) {
			if (WIFSIGNALED(status))
				fail("a forked child was killed by signal %d",
				     WTERMSIG(status));
			else if (WEXITSTATUS(status))
				fail("a forked child failed");
			return;
		}
		sleep_ms(1);
	}
	fail("a forked child hangs");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void *fork_loop(void *arg)
{
	struct hand *h = &forker.hand;

	(void)arg;
	while (!atomic_load(&forker.stop)) {
		uint64_t seed = rng_next(&h->rng);
		pid_t pid;

		for (int i = 0; i < CHILD_ITEMS; i++)
			items_round(h, forker.items);
		pid = fork();
		if (!pid)
			child(seed);
		if (pid > 0) {
			atomic_fetch_add(&forker.forks, 1);
			child_wait(pid);
		}
		sleep_ms(rng_below(&h->rng, FORK_MS) + 1);
	}
	items_empty(h, forker.items);
	return NULL;
}

void storm_fork_begin(uint64_t seed)
{
	forker = (struct forker){ .hand.rng.state = mix64(seed ^ 0xf04c) };
	thread_start(&forker.thread, fork_loop, NULL);
}

void storm_fork_end(struct hand *sum)
{
	atomic_store(&forker.stop, true);
	pthread_join(forker.thread, NULL);
	hand_add(sum, &forker.hand);
}

uint64_t storm_forks(void)
{
	return atomic_load(&forker.forks);
}
