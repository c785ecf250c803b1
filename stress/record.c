// SPDX-License-Identifier: MIT
/*
 * stress/record.c - percu-stress --record FILE -- COMMAND, and --dump FILE
 *
 * Runs a command with the recorder loaded before it.  Each process image leaves
 * a file in a folder beside FILE, which goes when the command has ended.  The
 * image with most events becomes the trace; of the others there is a line.
 *
 * What is told goes to stderr: stdout is the command's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "traces.h"
#include "stress/trace/raw.h"

enum {
	STATUS_WRONG = 2,
	STATUS_NO_COMMAND = 127,
};

static int complain(const char *what, int err)
{
	fprintf(stderr, "percu-stress: %s: %s\n", what, strerror(err));
	return EXIT_FAILURE;
}

/* Beside this program, wherever that lies. */
static bool recorder_find(char *path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	path[len > 0 ? len : 0] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return false;
	snprintf(slash, size - (size_t)(slash - path), "/trace/recorder.so");
	return !access(path, R_OK);
}

static volatile pid_t running; /* the command */

static void pass_on(int sig)
{
	if (running > 0)
		kill(running, sig);
}

/*
 * Who wants this program to end wants the command to end, and the trace of what
 * it did.  From a terminal the command hears of it by itself.
 */
static void signals_pass_on(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTERM, pass_on);
	signal(SIGHUP, pass_on);
}

/* In the child. */
static void command_exec(char *const *command, const char *recorder,
			 const char *dir)
{
	const char *before = getenv("LD_PRELOAD");
	char list[PATH_MAX + 1024];

	snprintf(list, sizeof(list), "%s%s%s", recorder,
		 before && *before ? ":" : "", before ? before : "");
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	if (!setenv("LD_PRELOAD", list, 1) && !setenv(RAW_ENV, dir, 1))
		execvp(command[0], command);
	complain(command[0], errno);
	_exit(STATUS_NO_COMMAND);
}

/* As a shell would say it. */
static int command_run(char *const *command, const char *recorder,
		       const char *dir)
{
	int status;

	fflush(NULL);
	signals_pass_on();
	running = fork();
	if (!running)
		command_exec(command, recorder, dir);
	if (running < 0)
		return complain("fork", errno);
	while (waitpid(running, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The largest of the images, and what the others sum up to. */
struct images {
	char name[256];
	uint64_t most, others; /* events */
	unsigned int nr;
};

static void images_look(int dir, struct images *im)
{
	DIR *d = fdopendir(dup(dir));
	struct dirent *e;

	while (d && (e = readdir(d))) {
		int fd = openat(dir, e->d_name, O_RDONLY | O_CLOEXEC);
		struct converted c;

		if (raw_count(fd, &c)) {
			im->others += c.events;
			if (!im->nr++ || c.events > im->most) {
				im->most = c.events;
				snprintf(im->name, sizeof(im->name), "%s",
					 e->d_name);
			}
		}
		close(fd);
	}
	if (d)
		closedir(d);
	im->others -= im->most;
}

/* By reading it again: what was written is a trace. */
static int tell(const char *file, const struct converted *c)
{
	struct traced td;

	if (!traced_open(&td, file))
		return EXIT_FAILURE;
	if (!traced_verify(&td))
		return EXIT_FAILURE;
	fprintf(stderr,
		"percu-stress: %s: %s, process %u: %s events of %u threads in %.1f s; %s at most, %s of %s blocks in the end\n",
		file, c->command, c->pid, num_count(td.sum.ops).s,
		td.sum.threads, (double)td.sum.us / 1e6,
		num_bytes(td.sum.peak).s, num_bytes(td.sum.bytes).s,
		num_count(td.sum.blocks).s);
	traced_close(&td);
	return 0;
}

static void tell_more(const struct converted *c, const struct images *im)
{
	if (c->foreign || c->mended)
		fprintf(stderr,
			"percu-stress: left out: %s frees of blocks that are not known; put in: %s that were missing\n",
			num_count(c->foreign).s, num_count(c->mended).s);
	if (c->lost)
		fprintf(stderr, "percu-stress: %s, and %s events were lost\n",
			strerror(c->error), num_count(c->lost).s);
	if (im->nr > 1)
		fprintf(stderr,
			"percu-stress: not kept: %s events of %u other processes\n",
			num_count(im->others).s, im->nr - 1);
}

static int trace_make(int dir, const char *file, int status)
{
	struct images im = { .nr = 0 };
	struct converted c;
	int fd, err;
	FILE *to;

	images_look(dir, &im);
	if (!im.nr && status == STATUS_NO_COMMAND)
		return status;
	if (!im.nr) {
		fprintf(stderr,
			"percu-stress: nothing was recorded: the program is linked statically, or may not be preloaded\n");
		return EXIT_FAILURE;
	}
	to = fopen(file, "we");
	if (!to)
		return complain(file, errno);
	fd = openat(dir, im.name, O_RDONLY | O_CLOEXEC);
	err = raw_convert(fd, to, &c);
	if (fclose(to) && !err)
		err = -errno;
	close(fd);
	if (err) {
		unlink(file);
		return complain(file, -err);
	}
	tell_more(&c, &im);
	return tell(file, &c);
}

static void dir_remove(int dir, const char *name)
{
	DIR *d = fdopendir(dir);
	struct dirent *e;

	if (d)
		rewinddir(d);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dir, e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(name);
}

int trace_record(const char *file, char *const *command)
{
	char recorder[PATH_MAX], name[PATH_MAX], dir[PATH_MAX];
	int fd, status, made;

	if (!recorder_find(recorder, sizeof(recorder))) {
		fprintf(stderr, "percu-stress: there is no %s: make\n",
			recorder);
		return STATUS_WRONG;
	}
	snprintf(name, sizeof(name), "%s.XXXXXX", file);
	if (!mkdtemp(name) || !realpath(name, dir))
		return complain(name, errno);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return complain(dir, errno);
	status = command_run(command, recorder, dir);
	made = trace_make(fd, file, status);
	dir_remove(fd, dir);
	return status ? status : made;
}

int trace_dump(const char *file)
{
	static const char *const ops[] = {
		[TRACE_MALLOC] = "malloc",   [TRACE_CALLOC] = "calloc",
		[TRACE_ALIGNED] = "aligned", [TRACE_REALLOC] = "realloc",
		[TRACE_FREE] = "free",
	};
	struct trace_event e;
	struct traced td;
	struct trace t;
	int more;

	if (!traced_open(&td, file))
		return STATUS_WRONG;
	trace_open(&t, td.bytes, td.len);
	while ((more = trace_next(&t, &e)) > 0)
		printf("%" PRIu64 " %u %s %u %" PRIu64 " %u\n", e.us, e.thread,
		       ops[e.op], e.slot, e.size, e.align);
	if (more < 0)
		fprintf(stderr, "percu-stress: %s: %s\n", file, t.error);
	trace_close(&t);
	traced_close(&td);
	return more < 0 || !text_flushed() ? EXIT_FAILURE : 0;
}
