/* SPDX-License-Identifier: MIT */
/*
 * tests/check.c - what every test program needs beside CUnit
 *
 * What goes wrong in the harness itself (no pipe, no thread) is no finding
 * about percu: it ends the program at once, with status 2.
 */
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_CLO_CHANGE(option) (void)(option)
#endif
#include <CUnit/Basic.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/os.h"
#include "sys/report.h"
#include "sys/tool.h"
#include "tests/check.h"

enum {
	CHECK_CHILD_SECONDS = 60
};

/*
 * TSan's deadlock detector gives up at 64 locks held, and fork takes all of
 * them; debug builds check the order of locks themselves.  Tests do fork with
 * threads about, and their children do start some.
 */
const char *__tsan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void)
{
	return "detect_deadlocks=0:die_after_fork=0";
}

__attribute__((noreturn)) static void check_die(const char *what)
{
	fprintf(stderr, "check: %s: %s\n", what, strerror(errno));
	exit(2);
}

static bool check_env(const char *name)
{
	const char *s = getenv(name);

	return s && *s && strcmp(s, "0") != 0;
}

int check_main(const char *name, const CU_TestInfo *tests)
{
	CU_pSuite suite;
	bool good;

	/* The log of a program that crashes shall be whole. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (CU_initialize_registry() != CUE_SUCCESS)
		check_die("CUnit");
	suite = CU_add_suite(name, NULL, NULL);
	if (!suite)
		check_die("CUnit");
	for (; tests->pName; tests++) {
		if (!CU_add_test(suite, tests->pName, tests->pTestFunc))
			check_die(tests->pName);
	}
	CU_basic_set_mode(check_env("PERCU_TEST_BRIEF") ? CU_BRM_NORMAL :
							  CU_BRM_VERBOSE);
	good = CU_basic_run_tests() == CUE_SUCCESS;
	good = good && CU_get_number_of_tests_run() &&
	       !CU_get_number_of_failure_records();
	CU_cleanup_registry();
	return good ? 0 : 1;
}

bool check_short(void)
{
	return check_env("PERCU_TEST_SHORT");
}

void check_skip(const char *why)
{
	printf("(skipped: %s) ", why);
	CU_PASS("skipped");
}

unsigned long check_next(unsigned long nth)
{
	if (!check_short())
		return nth + 1;
	return nth + 1 + (tool.valgrind ? nth : nth / 4);
}

unsigned long check_fired(const char *what)
{
	unsigned long fired;

	os_fault_disarm();
	fired = os_fault_fired();
	printf("(%s: %lu of %lu failed) ", what, fired, os_fault_seen());
	return fired;
}

uint64_t check_seed(void)
{
	static uint64_t seed;
	const char *s = getenv("PERCU_TEST_SEED");

	if (seed)
		return seed;
	seed = s ? strtoull(s, NULL, 0) :
		   (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
	seed += !seed;
	printf("(PERCU_TEST_SEED=%llu) ", (unsigned long long)seed);
	return seed;
}

void check_forked(void)
{
	VALGRIND_CLO_CHANGE("--leak-check=no");
}

static int check_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			check_die("waitpid");
	}
	return status;
}

bool check_reaped(pid_t pid)
{
	int status = check_wait(pid);

	if (status)
		printf("\n    a child ended with %#x ", (unsigned int)status);
	return !status;
}

__attribute__((noreturn)) static void check_child(int fd, void (*fn)(void *arg),
						  void *arg)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	/* A sanitizer's handlers would turn the signal into an exit. */
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	alarm(CHECK_CHILD_SECONDS);
	dup2(fd, STDERR_FILENO);
	close(fd);
	report_init(); /* from the program's stderr to this one */
	check_forked();
	fn(arg);
	/* Not exit(): the parent's buffers and handlers are the parent's. */
	_exit(0);
}

/* All of it, so that the child is never stuck; what fits is kept. */
static void check_drain(int fd, char *out, size_t outlen)
{
	char spill[256];
	size_t len = 0, room;
	ssize_t n;

	do {
		room = outlen > len + 1 ? outlen - len - 1 : 0;
		n = read(fd, room ? out + len : spill,
			 room ? room : sizeof(spill));
		if (n > 0 && room)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (outlen)
		out[len] = '\0';
}

int check_fork(void (*fn)(void *arg), void *arg, char *out, size_t outlen)
{
	int fds[2];
	pid_t pid;

	fflush(NULL);
	if (pipe(fds))
		check_die("pipe");
	pid = fork();
	if (pid < 0)
		check_die("fork");
	if (!pid) {
		close(fds[0]);
		check_child(fds[1], fn, arg);
	}
	close(fds[1]);
	check_drain(fds[0], out, outlen);
	close(fds[0]);
	return check_wait(pid);
}

bool check_aborts(void (*fn)(void *arg), void *arg, const char *line)
{
	char out[1024];
	int status = check_fork(fn, arg, out, sizeof(out));

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
	    !strcmp(out, line))
		return true;
	printf("\n    status %#x, said \"%s\", not \"%s\"\n",
	       (unsigned int)status, out, line);
	return false;
}

struct check_thread {
	pthread_t id;
	unsigned int i;
	void (*fn)(unsigned int i, void *arg);
	void *arg;
	pthread_barrier_t *start;
};

static void *check_thread(void *p)
{
	struct check_thread *t = p;

	pthread_barrier_wait(t->start);
	t->fn(t->i, t->arg);
	return NULL;
}

void check_threads(unsigned int n, void (*fn)(unsigned int i, void *arg),
		   void *arg)
{
	struct check_thread *t = calloc(n, sizeof(*t));
	pthread_barrier_t start;

	if (!t || pthread_barrier_init(&start, NULL, n))
		check_die("threads");
	for (unsigned int i = 0; i < n; i++) {
		t[i] = (struct check_thread){
			.i = i, .fn = fn, .arg = arg, .start = &start
		};
		errno = pthread_create(&t[i].id, NULL, check_thread, &t[i]);
		if (errno)
			check_die("pthread_create");
	}
	for (unsigned int i = 0; i < n; i++)
		pthread_join(t[i].id, NULL);
	pthread_barrier_destroy(&start);
	free(t);
}
