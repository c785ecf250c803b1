// SPDX-License-Identifier: MIT
/*
 * stress/traces.c - the traces that are part of this program, and files
 *
 * Compressed ones are read by gzip, from a file or from the bytes in here into
 * a file in memory, which no disk backs; the others are mapped as they are.
 * That is done once and before anything runs: when memory is refused and
 * signals storm there is no process to start any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "traces.h"

/* stress/traces/README.md says what was recorded. */
#define BUILT_IN(name)                                                 \
	__asm__(".section .rodata\n" #name "_begin:\n"                 \
		".incbin \"stress/traces/" #name ".trace.gz\"\n" #name \
		"_end:\n"                                              \
		".previous\n");                                        \
	extern const unsigned char name##_begin[]                      \
		__attribute__((visibility("hidden")));                 \
	extern const unsigned char name##_end[]                        \
		__attribute__((visibility("hidden")))

BUILT_IN(python);
BUILT_IN(sqlite);
BUILT_IN(redis);

static const struct {
	const char *name;
	const unsigned char *begin, *end;
} built_in[] = {
	{ "python", python_begin, python_end },
	{ "sqlite", sqlite_begin, sqlite_end },
	{ "redis", redis_begin, redis_end },
};

struct traced *traces;
unsigned int nr_traces;

static bool complain(const char *name, const char *what)
{
	fprintf(stderr, "percu-stress: %s: %s\n", name, what);
	return false;
}

static bool no_gzip; /* the last time that it was wanted */

/* From fd into a new file in memory: its descriptor, or -1. */
static int gunzip(int fd)
{
	char gzip[] = "gzip", dc[] = "-dc", *argv[] = { gzip, dc, NULL };
	int to = memfd_create("trace", MFD_CLOEXEC), status = -1;
	posix_spawn_file_actions_t fa;
	pid_t pid;

	if (to < 0 || posix_spawn_file_actions_init(&fa))
		return to;
	if (!posix_spawn_file_actions_adddup2(&fa, fd, STDIN_FILENO) &&
	    !posix_spawn_file_actions_adddup2(&fa, to, STDOUT_FILENO)) {
		no_gzip = posix_spawnp(&pid, gzip, &fa, NULL, argv, environ);
		while (!no_gzip && waitpid(pid, &status, 0) < 0 &&
		       errno == EINTR)
			;
	}
	posix_spawn_file_actions_destroy(&fa);
	if (!status)
		return to;
	close(to);
	return -1;
}

static bool map(struct traced *td, int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return complain(td->name, "not a regular file");
	td->len = (size_t)st.st_size;
	if (!td->len)
		return complain(td->name, "there is nothing in it");
	p = mmap(NULL, td->len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return complain(td->name, strerror(errno));
	td->bytes = p;
	return true;
}

static bool is_gzip(int fd)
{
	unsigned char head[2];

	return pread(fd, head, 2, 0) == 2 && head[0] == 0x1f && head[1] == 0x8b;
}

/* Closes fd, which stands at its beginning. */
static bool open_fd(struct traced *td, int fd)
{
	int plain;
	bool ok;

	if (is_gzip(fd)) {
		plain = gunzip(fd);
		close(fd);
		fd = plain;
		if (fd < 0)
			return complain(td->name,
					no_gzip ? "there is no gzip" :
						  "gzip cannot read it");
	}
	ok = map(td, fd);
	close(fd);
	return ok;
}

bool traced_open(struct traced *td, const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	*td = (struct traced){ .name = file };
	return fd < 0 ? complain(file, strerror(errno)) : open_fd(td, fd);
}

static bool open_built_in(struct traced *td, size_t nth)
{
	size_t len = (size_t)(built_in[nth].end - built_in[nth].begin);
	int fd = memfd_create("trace", MFD_CLOEXEC);

	*td = (struct traced){ .name = built_in[nth].name };
	if (fd < 0 || write(fd, built_in[nth].begin, len) != (ssize_t)len ||
	    lseek(fd, 0, SEEK_SET))
		return complain(td->name, strerror(errno));
	return open_fd(td, fd);
}

bool traced_verify(struct traced *td)
{
	if (!trace_verify(&td->sum, td->bytes, td->len))
		return true;
	return complain(td->name, td->sum.error);
}

void traced_close(struct traced *td)
{
	munmap((void *)(uintptr_t)td->bytes, td->len);
}

static bool fits(const struct traced *td)
{
	uint64_t pages = (uint64_t)sysconf(_SC_PHYS_PAGES);

	if (td->sum.peak / 4096 < pages / 2)
		return true;
	fprintf(stderr,
		"percu-stress: %s: %s at once are more than half of this machine's memory\n",
		td->name, num_bytes(td->sum.peak).s);
	return false;
}

static void traces_close(void)
{
	for (; nr_traces; nr_traces--)
		traced_close(&traces[nr_traces - 1]);
}

void traces_free(void)
{
	traces_close();
	free(traces);
}

/* Only if they are to be played. */
static bool wanted(const struct options *o)
{
	for (unsigned int i = 0; i < NR_SCENARIOS; i++)
		if (o->chosen >> i & 1 && scenarios[i].run == replay_run)
			return true;
	return false;
}

bool traces_load(const struct options *o)
{
	unsigned int n = o->nr_traces ? o->nr_traces : ARRAY_SIZE(built_in);

	if (wanted(o))
		traces = must(calloc(n, sizeof(*traces)));
	for (; traces && nr_traces < n; nr_traces++) {
		struct traced *td = &traces[nr_traces];
		bool ok = o->nr_traces ? traced_open(td, o->traces[nr_traces]) :
					 open_built_in(td, nr_traces);

		if (!ok && no_gzip && !o->named && !o->nr_traces) {
			traces_close();
			return true;
		}
		if (!ok)
			return false;
		if (!traced_verify(td) || !fits(td)) {
			traced_close(td);
			return false;
		}
	}
	return true;
}
