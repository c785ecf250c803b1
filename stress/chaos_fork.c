// SPDX-License-Identifier: MIT
/*
 * stress/chaos_fork.c - children that use percu
 *
 * The agent has a purse.  Its child gives its copies of the objects back,
 * works on alone, and must find its own gets and puts counted exactly, and
 * every identity of the statistics.  What other threads held at the time of
 * the fork stays out in the child for ever; the parent notices nothing.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <urcu-bp.h>
#include "chaos.h"

enum {
	PAUSE_MS = 20,
	ROUNDS = 300,
	CHILD_WAIT_MS = 60 * 1000,
};

/* As the manual says (Documentation/retirement.md): readers of bp fork. */
static void fork_prepare(void)
{
	pthread_atfork(urcu_bp_before_fork, urcu_bp_after_fork_parent,
		       urcu_bp_after_fork_child);
}

static void child_wait(pid_t pid, int *status)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = { .fd = fd, .events = POLLIN };
	uint64_t until = now_ns() + CHILD_WAIT_MS * 1000000ull, now;
	int n = 0;

	/* Signals of chaos interrupt the wait. */
	while (fd >= 0 && !n && (now = now_ns()) < until)
		n = poll(&ended, 1, (int)((until - now) / 1000000) + 1) > 0;
	if (fd >= 0 && !n) {
		fail("a forked child hangs");
		kill(pid, SIGKILL);
	}
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	if (fd >= 0)
		close(fd);
}

bool child_run(int (*child)(void *arg), void *arg, int *status)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pid_t pid;

	pthread_once(&once, fork_prepare);
	handlers_stop();
	pid = fork();
	if (pid)
		handlers_start();
	if (!pid) {
		chaos_os_child();
		_exit(child(arg));
	}
	if (pid < 0)
		return false;
	child_wait(pid, status);
	if (WIFEXITED(*status)) {
		*status = WEXITSTATUS(*status);
		return true;
	}
	fail("a forked child was killed by signal %d", WTERMSIG(*status));
	return false;
}

static void counted(const struct percu_pool_stats *was,
		    const struct purse *before, const struct purse *pu)
{
	struct percu_pool_stats is;

	percu_pool_stats(pu->pool, &is);
	if (is.gets - was->gets != pu->got - before->got ||
	    is.puts - was->puts != pu->put - before->put ||
	    is.puts_rcu - was->puts_rcu != pu->retired - before->retired)
		fail("a forked child's %llu gets and %llu puts count as %llu and %llu",
		     (unsigned long long)(pu->got - before->got),
		     (unsigned long long)(pu->put - before->put),
		     (unsigned long long)(is.gets - was->gets),
		     (unsigned long long)(is.puts - was->puts));
	if (is.outstanding)
		fail("%llu objects are out in a child that has none",
		     (unsigned long long)is.outstanding);
}

static int child(void *arg)
{
	struct purse *pu = arg, before = *pu;
	unsigned int failures = verdict_total();
	struct percu_pool_stats was;

	percu_pool_stats(pu->pool, &was);
	for (int i = 0; i < ROUNDS; i++)
		purse_round(pu);
	if (!rng_below(&pu->rng, 2))
		percu_age();
	purse_empty(pu);
	if (!rng_below(&pu->rng, 4))
		percu_barrier();
	if (!rng_below(&pu->rng, 2))
		percu_pool_shrink(pu->pool);
	counted(&was, &before, pu);
	audit_identities();
	return verdict_total() != failures;
}

void agent_fork(struct agent *a)
{
	struct purse pu = { .rng = a->rng };
	int status;

	if (STRESS_SANITIZED) {
		fault_skip(FAULT_FORK, "a sanitizer's children have its locks");
		return;
	}
	pu.pool = purse_pool("chaos-fork");
	while (chaos_goes_on(rng_below(&a->rng, PAUSE_MS))) {
		for (int i = 0; i < PURSE; i++)
			purse_round(&pu);
		if (!child_run(child, &pu, &status))
			continue;
		fault_fired(FAULT_FORK, 1);
		if (status)
			fail("a forked child failed");
	}
	purse_empty(&pu);
	purse_audit(&pu);
}
