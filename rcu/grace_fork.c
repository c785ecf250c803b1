/* SPDX-License-Identifier: MIT */
/*
 * rcu/grace_fork.c - the reclaimers where processes begin and end
 *
 * Fork.  The thread must not be in liburcu at the moment of the copy, where it
 * may hold liburcu's locks, and must not be registered, for the child would
 * have a ghost among its readers.  So it is parked first.  That waits for a
 * round under way, but not for ever: a thread that forks inside a read section
 * would wait for itself.  A child of such a moment finds liburcu as any other
 * thread's synchronize_rcu() would have left it.  The child has what waited, but
 * for what other threads had in their hands, and counts it anew; its thread is
 * started when something is retired there.
 *
 * End of the program.  A thread that has nothing to do goes, so that no leak
 * checker finds it.  One that waits for a reader is left.
 */
#include "rcu/rounds.h"
#include "sys/os.h"
#include "sys/tool.h"

enum {
	PATIENCE = 100000000, /* ns that fork, and the end, wait for a round */
};

/* Is there a thread that is not where the process can be copied? */
static bool unparked(void)
{
	for_each_grace (g)
		if (g->running && !g->parked)
			return true;
	return false;
}

/* graces.lock is held. */
static void wait_parked(uint64_t until)
{
	int cancel = os_cancel_off();

	while (unparked() && os_clock() < until)
		cond_wait(&graces.done, until);
	os_cancel_on(cancel);
}

uint64_t grace_park(void)
{
	uint64_t until = callbacks_of ? 0 : os_clock() + PATIENCE;

	for_each_grace (g)
		if (grace_reading(g->flavor))
			until = 0;
	graces_lock();
	graces.forks++;
	for_each_grace (g)
		pthread_cond_signal(&g->wake);
	wait_parked(until);
	graces_unlock();
	return until;
}

/* A reclaimer that was started meanwhile parks at once. */
void grace_before_fork(uint64_t until)
{
	graces_lock();
	wait_parked(until);
}

void grace_after_fork_parent(void)
{
	graces.forks--;
	for_each_grace (g)
		pthread_cond_signal(&g->wake);
	graces_unlock();
}

static void push_again(struct grace *g, struct grace_wait *oldest)
{
	struct grace_wait *w;

	while ((w = oldest)) {
		oldest = w->next;
		if (graces.ops->again(w))
			inbox_push(g, w);
	}
}

/* What a round had not come to is handed over anew, in the old order. */
static void round_again(struct grace *g)
{
	struct grace_wait *late = inbox_take(g);

	push_again(g, g->round);
	push_again(g, late);
	g->round = NULL;
	g->due = g->inbox ? 1 : 0;
}

/*
 * A callback forked: this is the thread, and its round goes on.  Who had pushed
 * and not yet said so says no more.
 */
static void round_goes_on(struct grace *g)
{
	if (g->inbox)
		g->due = 1;
	for (struct grace_wait *w = g->round; w; w = w->next)
		graces.ops->again(w);
	for (struct grace_wait *w = g->inbox; w; w = w->next)
		graces.ops->again(w);
}

void grace_after_fork_child(void)
{
	graces_unlock(); /* TSan believes no other */
	lock_init(&graces.lock);
	cond_init(&graces.done);
	/* Who runs a round without being the reclaimer waits itself. */
	graces.waiters = callbacks_of && !callbacks_of->running;
	graces.forks = 0;
	for_each_grace (g) {
		cond_init(&g->wake);
		g->parked = false;
		g->hurried = false;
		if (g == callbacks_of) {
			round_goes_on(g);
			continue;
		}
		g->running = false;
		g->busy = false;
		g->since = 0;
		round_again(g);
	}
	stall_after_fork_child();
}

bool grace_runs(void)
{
	for_each_grace (g)
		/* Relaxed: it says so when it touches nothing any more. */
		if (__atomic_load_n(&g->running, __ATOMIC_RELAXED))
			return true;
	return false;
}

/* Of the program. */
__attribute__((destructor(102))) static void grace_destructor(void)
{
	uint64_t until = os_clock() + PATIENCE * (tool.valgrind ? 20 : 1);

	if (!graces.ops || callbacks_of)
		return;
	for_each_grace (g) {
		pthread_t thread;
		bool join;

		graces_lock();
		g->stop = true;
		pthread_cond_signal(&g->wake);
		/* For leak_forget(), which needs it gone. */
		while (tool.valgrind && g->busy && os_clock() < until)
			cond_wait(&graces.done, until);
		join = g->running && !g->busy;
		thread = g->thread;
		graces_unlock();
		if (join)
			os_thread_join(thread, until);
		graces_lock();
		g->stop = false; /* a later destructor may retire */
		graces_unlock();
	}
	stall_stop();
}
