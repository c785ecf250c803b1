// SPDX-License-Identifier: MIT
/*
 * stress/stop.c - the ends that a run does not choose
 *
 * Who asks it to stop (SIGINT, SIGTERM, SIGHUP, or a reader of stdout that
 * has gone) gets the verdict on what has run so far: scenarios see stop_asked() as
 * they see that their time is up, faults need not have fired, and the end is
 * looked at as always.  Then the process ends by that signal.  Who asks again
 * a second later gets no verdict; at once, timeout(1) does.
 *
 * A crash, or percu's own abort at misuse, is a failure like any other: one
 * line with what, where, and the command that repeats it, and the verdict; then
 * the process ends by that signal, with a core where the system wants one.  By
 * then anything may be broken, so nothing is done but to format and to write.
 *
 * A forked child has all of this too, and says so.
 */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "stress.h"

#define AGAIN_NS 1000000000u

enum {
	FRAMES = 24
};

static pid_t self;
static atomic_int stopped_by; /* the signal; -1: nobody reads stdout */

bool stop_asked(void)
{
	return atomic_load_explicit(&stopped_by, memory_order_relaxed);
}

const char *stop_reason(void)
{
	int by = atomic_load(&stopped_by);

	return by == SIGINT  ? "SIGINT" :
	       by == SIGTERM ? "SIGTERM" :
	       by == SIGHUP  ? "SIGHUP" :
	       by            ? "stdout cannot be written" :
			       NULL;
}

static void stop_for(int by)
{
	static const char text[] =
		"percu-stress: asked to stop: what has run so far is judged\n";
	int none = 0;

	if (getpid() != self ||
	    !atomic_compare_exchange_strong(&stopped_by, &none, by))
		return;
	progress_clear();
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		return;
}

static void on_stop(int sig)
{
	static _Atomic uint64_t first;
	uint64_t now = now_ns(), none = 0;
	int saved = errno;

	stop_for(sig);
	if (!atomic_compare_exchange_strong(&first, &none, now) &&
	    now - none > AGAIN_NS) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	errno = saved;
}

void stop_unread(void)
{
	stop_for(-1);
}

void stop_now(void)
{
	int by = atomic_load(&stopped_by);

	if (by <= 0)
		return;
	signal(by, SIG_DFL);
	raise(by);
}

void frames_write(void)
{
	void *frames[FRAMES];
	int nr = backtrace(frames, FRAMES);

	backtrace_symbols_fd(frames, nr, STDERR_FILENO);
}

/* It loads a library: not in a handler. */
void frames_prepare(void)
{
	void *frame[1];

	backtrace(frame, 1);
}

static void on_crash(int sig)
{
	bool child = getpid() != self;

	fail("%s by signal %d (%s)", child ? "a forked child ends" : "ends",
	     sig, sigabbrev_np(sig));
	frames_write();
	if (!child)
		result_cut("crashed");
	raise(sig); /* its handler was for one */
}

static void handle(int sig, void (*fn)(int), unsigned int flags)
{
	struct sigaction sa = { .sa_handler = fn,
				.sa_flags = SA_RESTART | SA_ONSTACK |
					    (int)flags };

	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

static void crashes_handle(void)
{
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };

	if (STRESS_SANITIZED)
		return; /* it has handlers, which know more */
	frames_prepare();
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		handle(sigs[i], on_crash, SA_RESETHAND);
}

/*
 * A descriptor below 3 that is closed would be that of the next file or socket,
 * and what is printed would go there.
 */
static void streams_open(void)
{
	int fd = open("/dev/null", O_RDWR);

	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = open("/dev/null", O_RDWR);
	if (fd > STDERR_FILENO)
		close(fd);
}

void stop_init(void)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction was;

	self = getpid();
	streams_open();
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		if (!sigaction(sigs[i], NULL, &was) &&
		    was.sa_handler != SIG_IGN)
			handle(sigs[i], on_stop, 0);
	crashes_handle();
}
