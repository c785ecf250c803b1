/* SPDX-License-Identifier: MIT */
/*
 * tests/test_misuse.c - every misuse gets to abort, with one line that says what
 *
 * Each program of tests/misuse/ commits one abuse.  It writes on stdout what
 * percu must say of it, which must then be all that comes on stderr, and the
 * program must die of SIGABRT.  Each runs as it is and in debug mode; with and
 * without restartable sequences as this program is.
 *
 * Where an object was put first nobody knows exactly beforehand: a program
 * says "<from to bias>", and a report "address (program+offset)" with the
 * address between from and to and offset = address - bias.
 *
 *	test_misuse NAME	only that program's; wildcards will do
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <percu/alloc.h>
#include <percu/pool.h>
#include <percu/stats.h>

#include "tests/check.h"

enum {
	MISUSE_SKIP = 77,
	MISUSE_TEXT = 1024,
};

static char misuse_dir[PATH_MAX]; /* where the programs were built */

struct misuse_run {
	int status; /* as from waitpid() */
	char said[MISUSE_TEXT], expected[MISUSE_TEXT];
};

static void read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 &&
	       ((n = read(fd, text + len, size - 1 - len)) > 0 ||
		errno == EINTR))
		if (n > 0)
			len += (size_t)n;
		else
			errno = 0;
	text[len] = '\0';
}

/* Not fork(): how a program that uses percu forks is another test's affair. */
static bool misuse_spawn(pid_t *pid, const char *name, bool debug, int out,
			 int err)
{
	posix_spawn_file_actions_t files;
	char *args[] = { (char *)(uintptr_t)name, NULL }, *path;
	bool good;

	if (debug)
		setenv("PERCU", "debug:1", 1);
	else
		unsetenv("PERCU");
	if (asprintf(&path, "%s/%s", misuse_dir, name) < 0)
		return false;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
	good = !posix_spawn(pid, path, &files, NULL, args, environ);
	posix_spawn_file_actions_destroy(&files);
	free(path);
	return good;
}

/* A program writes less than a pipe holds: one may be read after the other. */
static bool misuse_start(struct misuse_run *run, const char *name, bool debug)
{
	int out[2], err[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		return false;
	if (!misuse_spawn(&pid, name, debug, out[1], err[1]))
		return false;
	close(out[1]);
	close(err[1]);
	read_all(err[0], run->said, sizeof(run->said));
	read_all(out[0], run->expected, sizeof(run->expected));
	close(out[0]);
	close(err[0]);
	while (waitpid(pid, &run->status, 0) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

/* Is what was said of the place, up to the end of the line, what it can be? */
static bool site_right(const char *name, const char *said, const char *expected)
{
	unsigned long from, to, bias, site, offset;
	char program[64];
	int end = 0;

	if (sscanf(expected, "<%lx %lx %lx>", &from, &to, &bias) != 3)
		return false;
	if (sscanf(said, "%lx (%63[^+]+%lx)\n%n", &site, program, &offset,
		   &end) != 3 ||
	    !end || said[end])
		return false;
	return site > from && site <= to && site - bias == offset &&
	       !strcmp(program, name);
}

static bool said_right(const char *name, const struct misuse_run *run)
{
	const char *site = strchr(run->expected, '<');
	size_t len;

	if (!*run->expected)
		return false;
	if (!site)
		return !strcmp(run->said, run->expected);
	len = (size_t)(site - run->expected);
	return !strncmp(run->said, run->expected, len) &&
	       site_right(name, run->said + len, site);
}

/* The first line that the program wrote. */
static void cut_line(char *text)
{
	text[strcspn(text, "\n")] = '\0';
}

static void misuse_judge(const char *name, struct misuse_run *run)
{
	if (WIFEXITED(run->status) && WEXITSTATUS(run->status) == MISUSE_SKIP &&
	    !*run->said) {
		cut_line(run->expected);
		check_skip(run->expected);
		return;
	}
	if (WIFSIGNALED(run->status) && WTERMSIG(run->status) == SIGABRT &&
	    said_right(name, run)) {
		CU_PASS("aborted");
		return;
	}
	printf("\n    status %#x\n    said     %s    expected %s    ",
	       (unsigned int)run->status, *run->said ? run->said : "nothing\n",
	       *run->expected ? run->expected : "nothing\n");
	CU_FAIL("it must abort, and say why");
}

/* One for all: the test's name is the program's, and the mode. */
static void misuse_test(void)
{
	char name[64];
	struct misuse_run run;
	const char *mode;

	snprintf(name, sizeof(name), "%s", CU_get_current_test()->pName);
	mode = strchr(name, ' ');
	name[strcspn(name, " ")] = '\0';
	CU_ASSERT_TRUE_FATAL(misuse_start(&run, name, mode && mode[1] == 'd'));
	misuse_judge(name, &run);
}

static void refused(const struct percu_pool_attr *attr)
{
	struct percu_pool *pool;

	errno = 0;
	pool = percu_pool_create(attr);
	CU_ASSERT_PTR_NULL(pool);
	CU_ASSERT_EQUAL(errno, EINVAL);
	if (pool)
		percu_pool_destroy(pool);
}

static int ctor(void *obj, void *arg)
{
	(void)obj;
	(void)arg;
	return 0;
}

static void dtor(void *obj, void *arg)
{
	(void)obj;
	(void)arg;
}

static void *create(void *arg)
{
	return arg;
}

/* What the world may have chosen is refused; the program goes on. */
static void bad_attributes(void)
{
	refused(&(struct percu_pool_attr){ 0 });
	refused(&(struct percu_pool_attr){ .size = (256 << 10) + 1 });
	refused(&(struct percu_pool_attr){ .size = SIZE_MAX });
	refused(&(struct percu_pool_attr){ .size = 64, .align = 3 });
	refused(&(struct percu_pool_attr){ .size = 64, .align = 8192 });
	refused(&(struct percu_pool_attr){ .size = 64, .align = SIZE_MAX });
	refused(&(struct percu_pool_attr){ .size = 64, .flags = 1u << 31 });
	refused(&(struct percu_pool_attr){
		.size = 64, .limit = 1, .reserve = 2 });
	refused(&(struct percu_pool_attr){ .size = 64, .create = create });
	refused(&(struct percu_pool_attr){ .size = 64, .destroy = dtor });
	refused(&(struct percu_pool_attr){
		.size = 64, .ctor = ctor, .flags = PERCU_POOL_ZERO });
	refused(&(struct percu_pool_attr){ .ctor = ctor, .create = create });
	refused(&(struct percu_pool_attr){ .dtor = dtor, .create = create });
	refused(&(struct percu_pool_attr){ .align = 8, .create = create });
	refused(&(struct percu_pool_attr){ .create = create,
					   .flags = PERCU_POOL_ZERO });
	refused(&(struct percu_pool_attr){ .create = create,
					   .flags = PERCU_POOL_TYPESAFE });
}

static void bad_alignment(size_t align)
{
	void *ptr;

	errno = 0;
	ptr = percu_alloc_aligned(align, 64);
	CU_ASSERT_PTR_NULL(ptr);
	CU_ASSERT_EQUAL(errno, EINVAL);
	percu_free(ptr);
}

static void bad_arguments(void)
{
	volatile size_t none = 0;

	bad_alignment(none);
	bad_alignment(none + 3);
	bad_alignment(none + (64 << 20));
	bad_alignment(none - 1);
	CU_ASSERT_EQUAL(percu_stats_write(1, (enum percu_stats_format)99),
			-EINVAL);
	/* NULL is nothing, everywhere. */
	percu_free(NULL);
	percu_free_sized(NULL, 64);
	CU_ASSERT_EQUAL(percu_usable_size(NULL), 0);
}

/* The folder of the programs is beside this one. */
static bool misuse_find(void)
{
	char self[PATH_MAX - 8];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct stat st;

	if (n < 0)
		return false;
	self[n] = '\0';
	snprintf(misuse_dir, sizeof(misuse_dir), "%s/misuse", dirname(self));
	return !stat(misuse_dir, &st);
}

static char *test_name(const char *path, const char *mode)
{
	char *copy = strdup(path), *text = NULL;

	if (!copy ||
	    asprintf(&text, "%.*s %s", (int)strcspn(basename(copy), "."),
		     basename(copy), mode) < 0)
		abort();
	free(copy);
	return text;
}

/* The sources say which programs there are; stale ones do not count. */
static bool sources_find(const char *name, glob_t *g)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "tests/misuse/%s.c", name);
	return !glob(path, 0, NULL, g);
}

int main(int argc, char **argv)
{
	static const CU_TestInfo others[] = {
		{ "bad attributes are EINVAL", bad_attributes },
		{ "bad arguments are EINVAL, and NULL is nothing",
		  bad_arguments },
	};
	const struct rlimit none = { 0, 0 };
	CU_TestInfo *tests;
	size_t n = 0;
	glob_t g;
	int rc;

	if (!misuse_find() || !sources_find(argc > 1 ? argv[1] : "*", &g)) {
		puts("run it in the top folder, where tests/misuse/ is");
		return 2;
	}
	tests = calloc(2 * g.gl_pathc + 3, sizeof(*tests));
	if (!tests)
		return 2;
	tests[n++] = others[0];
	tests[n++] = others[1];
	for (size_t i = 0; i < g.gl_pathc; i++) {
		tests[n++] =
			(CU_TestInfo){ test_name(g.gl_pathv[i], "as it is"),
				       misuse_test };
		tests[n++] = (CU_TestInfo){ test_name(g.gl_pathv[i], "debug"),
					    misuse_test };
	}
	setrlimit(RLIMIT_CORE, &none); /* what aborts inherits it */
	printf("%zu abuses, each as it is and in debug mode (%s)\n", g.gl_pathc,
	       percu_mode());
	rc = check_main("misuse", tests);
	for (size_t i = 2; i < n; i++)
		free((char *)(uintptr_t)tests[i].pName);
	free(tests);
	globfree(&g);
	return rc;
}
