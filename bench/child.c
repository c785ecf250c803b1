/* SPDX-License-Identifier: MIT */
/*
 * bench/child.c - programs that lie beside this one
 *
 * A child measures on its own and hands its rows up.  A worker holds one
 * contestant: it reads a line, "what arg", and answers with a number, so its
 * turns can be interleaved with those of other processes.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

struct worker {
	pid_t pid;
	FILE *ask, *answer;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* execv() and execvp() take what they do not write to as if they did. */
static char *const *unconst(const char *const args[])
{
	return (char *const *)(uintptr_t)args;
}

/* Where name is, seen from where this program is. */
static bool sibling(char path[PATH_MAX], const char *name)
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (n <= 0)
		return false;
	path[n] = '\0';
	slash = strrchr(path, '/');
	snprintf(slash + 1, PATH_MAX - (size_t)(slash + 1 - path), "%s", name);
	return true;
}

const char *own_malloc(void)
{
	static char path[PATH_MAX];

	return sibling(path, "../libpercu-malloc.so") && !access(path, R_OK) ?
		       path :
		       NULL;
}

void exec_sibling(const char *const args[])
{
	char path[PATH_MAX];

	if (strchr(args[0], '/'))
		execv(args[0], unconst(args));
	else if (sibling(path, args[0]))
		execv(path, unconst(args));
	perror(args[0]);
	_exit(127);
}

static void exec_case(const char *program, const char *name, int rows_fd)
{
	char rows[32], budget[32], seconds[32], counts[PATH_MAX];
	const char *const args[] = {
		program,
		"case",
		name,
		rows,
		budget,
		seconds,
		opt.scale == SHORT ? "--short" :
		opt.scale == TINY  ? "--tiny" :
				     rows,
		opt.counts ? counts : rows,
		NULL,
	};

	snprintf(rows, sizeof(rows), "--rows=%d", rows_fd);
	snprintf(budget, sizeof(budget), "--budget=%u", opt.budget);
	snprintf(seconds, sizeof(seconds), "--seconds=%u", opt.seconds);
	snprintf(counts, sizeof(counts), "--counts=%s",
		 opt.counts ? opt.counts : "");
	exec_sibling(args);
}

bool child_case(const char *program, const char *name)
{
	int p[2], status;
	pid_t pid;

	fflush(stdout);
	if (pipe(p))
		die(program);
	pid = fork();
	if (pid < 0)
		die(program);
	if (!pid) {
		close(p[0]);
		exec_case(program, name, p[1]);
	}
	close(p[1]);
	rows_read(p[0]);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

struct worker *worker_start(const char *const args[], const char *preload)
{
	struct worker *w = malloc(sizeof(*w));
	int ask[2], answer[2];

	fflush(stdout);
	signal(SIGPIPE, SIG_IGN); /* worker_ask() finds out, and says so */
	if (!w || pipe2(ask, O_CLOEXEC) || pipe2(answer, O_CLOEXEC))
		die(args[0]);
	w->pid = fork();
	if (w->pid < 0)
		die(args[0]);
	if (!w->pid) {
		dup2(ask[0], 0);
		dup2(answer[1], 1);
		if (preload)
			setenv("LD_PRELOAD", preload, 1);
		exec_sibling(args);
	}
	close(ask[0]);
	close(answer[1]);
	w->ask = fdopen(ask[1], "w");
	w->answer = fdopen(answer[0], "r");
	if (!w->ask || !w->answer)
		die(args[0]);
	return w;
}

uint64_t worker_ask(struct worker *w, const char *what, uint64_t arg)
{
	uint64_t answer;

	fprintf(w->ask, "%s %" PRIu64 "\n", what, arg);
	fflush(w->ask);
	if (fscanf(w->answer, "%" SCNu64, &answer) != 1) {
		fprintf(stderr,
			"percu-bench: a worker ended when asked \"%s\"\n",
			what);
		exit(1);
	}
	return answer;
}

double worker_figure(struct worker *w, const char *what)
{
	return (double)worker_ask(w, what, 0);
}

uint64_t worker_timed(void *worker, uint64_t iters)
{
	return worker_ask(worker, "run", iters);
}

void worker_stop(struct worker *w)
{
	fclose(w->ask);
	fclose(w->answer);
	waitpid(w->pid, NULL, 0);
	free(w);
}
