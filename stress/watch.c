// SPDX-License-Identifier: MIT
/*
 * stress/watch.c - a run that hangs ends with a line, and names who is stuck
 *
 * A thread looks at what the scenarios count (progress.c), and at the beats
 * between them; if nothing of that has gone on for --patience, the run hangs.
 * Agents of chaos and the sampler count elsewhere: they go on beside a scenario
 * that hangs, and prove nothing.
 *
 * Whoever hangs may hold any lock, of percu's, of malloc's or of stdio's.  So
 * nothing is called here that takes one that it could wait for: the list of
 * progress is tried, and a list that is taken all the time is no progress; the
 * end formats and writes, as that of a crash.  It is counted in ticks and not by
 * the clock: who stops the process for a while has not made it hang.
 *
 * Each thread is then asked by a signal to say which worker it runs, and by
 * which calls it came to where it is.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "stress.h"
#include "workers/workers.h"

enum {
	TICK_MS = 50,
	ANSWER_MS = 500, /* a thread's, at most */
	ASKED_MAX = 512,
	OTHERS_MAX = 12,
};

static struct {
	pthread_t thread;
	bool started;
	atomic_bool over;
	uint64_t patience; /* ticks */
	_Atomic uint64_t beats;
	atomic_uint answers;
} watch;

void watch_beat(void)
{
	atomic_fetch_add(&watch.beats, 1);
}

static void line_write(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

/*
 * A worker that waits is on no thread: crew.c names those.  Of threads that run
 * none, idle ones among them, the first few will do.
 */
static void on_ask(int sig)
{
	static atomic_uint others;
	char worker[64], line[160];
	bool at_work = worker_name(worker, sizeof(worker));
	int saved = errno;

	(void)sig;
	snprintf(line, sizeof(line), "percu-stress: a thread of %s%s%s is in\n",
		 part_here ? part_here->name : "nobody's",
		 at_work ? ", at work for " : "", at_work ? worker : "");
	if (at_work || atomic_fetch_add(&others, 1) < OTHERS_MAX) {
		line_write(line);
		frames_write();
	}
	atomic_fetch_add(&watch.answers, 1);
	errno = saved;
}

static void ask(int tid)
{
	unsigned int before = atomic_load(&watch.answers);

	if (syscall(SYS_tgkill, getpid(), tid, SIGUSR2))
		return;
	for (int ms = 0; ms < ANSWER_MS; ms += 10) {
		if (atomic_load(&watch.answers) != before)
			return;
		sleep_ms(10);
	}
	line_write("percu-stress: a thread does not answer\n");
}

/* The last one to be asked began the run. */
static void who(void)
{
	int tids[ASKED_MAX];
	unsigned int n = thread_list(tids, ASKED_MAX);

	for (unsigned int i = 0; i < n; i++)
		ask(tids[i]);
	ask(getpid());
}

static bool goes_on(void)
{
	static uint64_t last, ticks;
	uint64_t sum;

	if (progress_sum(&sum)) {
		sum += atomic_load(&watch.beats);
		ticks = sum == last ? ticks : 0;
		last = sum;
	}
	return ++ticks < watch.patience;
}

static void *look(void *arg)
{
	(void)arg;
	do
		sleep_ms(TICK_MS);
	while (!atomic_load(&watch.over) && goes_on());
	if (atomic_load(&watch.over))
		return NULL;
	part_here = part_at_work();
	fail("it hangs: nothing was counted for %.3g s",
	     (double)watch.patience * TICK_MS / 1e3);
	who();
	result_cut("hangs");
	_exit(EXIT_FAILURE);
}

void watch_begin(double patience)
{
	struct sigaction sa = { .sa_handler = on_ask,
				.sa_flags = SA_RESTART | SA_ONSTACK };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGUSR2, &sa, NULL);
	frames_prepare();
	watch.patience = (uint64_t)(patience * 1e3 / TICK_MS) + 1;
	if (pthread_create(&watch.thread, NULL, look, NULL))
		die("cannot start a thread");
	watch.started = true;
}

/* What comes after it waits for whoever reads the result, as long as he likes. */
void watch_end(void)
{
	atomic_store(&watch.over, true);
	if (watch.started)
		pthread_join(watch.thread, NULL);
	watch.started = false;
}
