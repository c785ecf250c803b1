/* SPDX-License-Identifier: MIT */
/*
 * tests/hooks/hook.h - what the programs of this folder share
 *
 * Each lets one library, the real one, have its memory from percu and do some
 * work of its own.  Law, for every one of them:
 *
 *	the work comes out right
 *	the library's calls arrived: at least so many blocks were handed out
 *	after the library's own end, nothing of percu's is out
 *
 * A program has one thread where it says hook_begin() and hook_end().
 */
#ifndef PERCU_TESTS_HOOKS_HOOK_H
#define PERCU_TESTS_HOOKS_HOOK_H

#include <inttypes.h>
#include <percu/alloc.h>
#include <percu/pool.h>
#include <percu/stats.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define must(law)                                                          \
	do {                                                               \
		if (!(law)) {                                              \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#law);                                     \
			exit(1);                                           \
		}                                                          \
	} while (0)

static struct percu_memstats hook_start;

static inline struct percu_memstats hook_now(void)
{
	struct percu_memstats ms;

	must(percu_memstats(&ms) == 0);
	return ms;
}

static inline void hook_begin(void)
{
	hook_start = hook_now();
}

/* Blocks handed out since hook_begin(). */
static inline uint64_t hook_calls(void)
{
	return hook_now().mallocs - hook_start.mallocs;
}

/* Bytes out now, beyond what was at hook_begin(). */
static inline int64_t hook_bytes(void)
{
	return (int64_t)(hook_now().alloc - hook_start.alloc);
}

/* Blocks and objects out now, beyond what was at hook_begin(). */
static inline int64_t hook_blocks(void)
{
	return (int64_t)(hook_now().heap_objects - hook_start.heap_objects);
}

/* Under a tool a block ends where the size that was asked for does. */
static inline bool hook_cut(void)
{
	void *p = percu_alloc(1);
	bool cut = percu_usable_size(p) == 1;

	percu_free(p);
	return cut;
}

/* calls: at least so many.  The program's exit status. */
static inline int hook_end(const char *name, uint64_t calls)
{
	percu_barrier();
	printf("%s: %" PRIu64 " blocks, %" PRId64 " bytes still out\n", name,
	       hook_calls(), hook_bytes());
	must(hook_calls() >= calls);
	must(hook_bytes() == 0);
	must(hook_blocks() == 0);
	return 0;
}

/* percu has a stderr of its own, which is the same file. */
static inline void hook_stderr(int to)
{
	struct stat err, st;

	must(!fstat(2, &err));
	for (int fd = 2; fd < 1024; fd++)
		if (!fstat(fd, &st) && st.st_dev == err.st_dev &&
		    st.st_ino == err.st_ino)
			must(dup2(to, fd) == fd);
}

/*
 * In a process of its own: what fn does ends in percu's report of a block that
 * it did not hand out, as where a hook came too late.
 */
static inline void hook_reports(void (*fn)(void))
{
	struct rlimit no_core = { 0, 0 };
	char said[1000] = "";
	int status, fd[2];
	ssize_t n;
	pid_t pid;

	must(!pipe(fd));
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_CORE, &no_core);
		hook_stderr(fd[1]);
		fn();
		_exit(0);
	}
	close(fd[1]);
	must(pid > 0 && waitpid(pid, &status, 0) == pid);
	n = read(fd[0], said, sizeof(said) - 1);
	close(fd[0]);
	must(n > 0 && strstr(said, "percu: misuse: "));
	must(strstr(said, "percu did not hand it out"));
	must(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* Text that compresses: n bytes of it. */
static inline void hook_text(char *to, size_t n)
{
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		to[i] = "etaoin shrdlu"[x >> 24 & x >> 12 & 7];
	}
}

#endif /* PERCU_TESTS_HOOKS_HOOK_H */
