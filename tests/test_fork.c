/* SPDX-License-Identifier: MIT */
/*
 * tests/test_fork.c - new processes, beside threads that are in the middle of it
 *
 * A child finds every lock free and every structure whole, wherever the
 * parent's threads were: it allocates, frees what the parent has allocated,
 * ages, and forks again.  One that hangs is ended by its alarm, which is a
 * failure.  The parent goes on, and in the end has lost nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <percu/alloc.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <string.h>

#include "tests/hammer.h"

enum {
	WATCHDOG = 40, /* seconds */
	NMINE = 30,
};

static struct hammer hammer;

/* What the forking thread has when it forks. */
struct mine {
	void *obj[NMINE];
	char *block[NMINE];
};

static void mine_take(struct mine *m)
{
	for (int i = 0; i < NMINE; i++) {
		m->obj[i] = percu_pool_get(hammer.pool);
		m->block[i] = percu_alloc(10u << i % 12);
		child_must(m->obj[i] && m->block[i]);
		m->block[i][0] = (char)i;
	}
}

static void mine_give(struct mine *m)
{
	for (int i = 0; i < NMINE; i++) {
		child_must(m->block[i][0] == (char)i);
		percu_free(m->block[i]);
		percu_pool_put(hammer.pool, m->obj[i]);
	}
}

static void child_begin(void)
{
	alarm(WATCHDOG);
	check_forked();
}

/* Frees the parent's, uses its own, ages. */
static void child_use(struct mine *m)
{
	struct check_rand r = { (uint64_t)getpid() };
	struct percu_memstats ms;

	child_begin();
	child_must(!hammer_clear(&hammer));
	mine_give(m);
	for (int i = 0; i < 50; i++)
		hammer_once(&hammer, &r);
	percu_age();
	percu_pool_shrink(hammer.pool);
	percu_age();
	ms = memstats();
	child_must(stats_agree(&ms) && !heap_check() && !hammer.broken);
}

/* All that, and again in a process of its own. */
static void child(struct mine *m)
{
	pid_t pid;

	child_use(m);
	mine_take(m);
	pid = fork();
	child_must(pid >= 0);
	if (!pid) {
		child_use(m);
		_exit(0);
	}
	child_must(check_reaped(pid));
	mine_give(m);
	child_must(!hammer_clear(&hammer));
	_exit(0);
}

static void fork_once(void)
{
	struct mine m;
	pid_t pid;

	mine_take(&m);
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (!pid)
		child(&m);
	mine_give(&m);
	CU_ASSERT_TRUE(check_reaped(pid));
}

static int nforks(void)
{
	if (!check_short())
		return 250;
	return tool_any() ? 6 : 50;
}

static void *fork_thread(void *arg)
{
	for (int i = 0; i < *(int *)arg; i++)
		fork_once();
	return NULL;
}

/* The main thread and another one fork, at the same time. */
static void forks(void)
{
	int n = nforks() / 2;
	pthread_t other;

	fflush(NULL);
	hammer_start(&hammer);
	CU_ASSERT_FATAL(!pthread_create(&other, NULL, fork_thread, &n));
	fork_thread(&n);
	pthread_join(other, NULL);
	printf("(%d forks) ", 2 * n);
	hammer_stop(&hammer);
}

/* In the middle of percu_age(), for certain: in a destructor that it runs. */
static struct middle {
	pthread_barrier_t there, done;
	struct percu_pool *pool;
	_Atomic bool armed;
} middle;

static void middle_dtor(void *obj, void *arg)
{
	(void)obj;
	(void)arg;
	if (!atomic_exchange(&middle.armed, false))
		return;
	pthread_barrier_wait(&middle.there);
	pthread_barrier_wait(&middle.done);
}

static void *middle_age(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++)
		percu_age();
	return NULL;
}

static void middle_child(void)
{
	void *p;

	child_begin();
	p = percu_pool_get(middle.pool);
	child_must(p);
	percu_pool_put(middle.pool, p);
	percu_age();
	percu_pool_shrink(middle.pool);
	p = percu_alloc(1000);
	child_must(p && !heap_check());
	percu_free(p);
	/* Nobody has an object of it; a dead thread had some in its hands. */
	child_must(!percu_pool_destroy(middle.pool));
	_exit(0);
}

static void fork_in_age(void)
{
	const struct percu_pool_attr attr = { .name = "middle",
					      .size = 500,
					      .dtor = middle_dtor };
	void *objs[100];
	pthread_t ager;
	pid_t pid;

	fflush(NULL);
	pthread_barrier_init(&middle.there, NULL, 2);
	pthread_barrier_init(&middle.done, NULL, 2);
	middle.pool = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(middle.pool);
	CU_ASSERT_EQUAL(percu_pool_get_bulk(middle.pool, objs, 100), 100);
	percu_pool_put_bulk(middle.pool, objs, 100);
	middle.armed = true;
	CU_ASSERT_FATAL(!pthread_create(&ager, NULL, middle_age, NULL));
	pthread_barrier_wait(&middle.there);
	pid = fork();
	if (!pid)
		middle_child();
	CU_ASSERT_TRUE(pid > 0 && check_reaped(pid));
	pthread_barrier_wait(&middle.done);
	pthread_join(ager, NULL);
	CU_ASSERT_EQUAL(percu_pool_destroy(middle.pool), 0);
	CU_ASSERT_TRUE(all_conserve());
	pthread_barrier_destroy(&middle.there);
	pthread_barrier_destroy(&middle.done);
}

/*
 * Three threads, each with what the next one wants: a file, stdio's list of
 * files, percu's locks.  Whoever forks takes the list before them.
 */
static struct stdio {
	FILE *file;
	_Atomic pid_t flusher, forker;
	_Atomic bool locked;
} stdio;

/* Until that thread has come, and sleeps. */
static void await_asleep(_Atomic pid_t *tid)
{
	char path[64], text[512] = "", *state;
	ssize_t n;
	int fd;

	do {
		sched_yield();
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", *tid);
		fd = open(path, O_RDONLY);
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		text[n > 0 ? n : 0] = '\0';
		state = strrchr(text, ')');
	} while (!state || state[2] != 'S');
}

static void *stdio_reader(void *arg)
{
	void *p;

	flockfile(stdio.file);
	stdio.locked = true;
	await_asleep(&stdio.forker);
	p = percu_alloc(100000); /* takes a lock */
	percu_free(p);
	funlockfile(stdio.file);
	return p ? arg : NULL;
}

static void *stdio_flusher(void *arg)
{
	while (!stdio.locked)
		sched_yield();
	stdio.flusher = gettid();
	fflush(NULL);
	return arg;
}

static void fork_and_stdio(void)
{
	void *ret = NULL;
	pthread_t t[2];
	pid_t pid;

	alarm(WATCHDOG);
	fflush(NULL);
	stdio.file = fopen("/dev/null", "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(stdio.file);
	pthread_create(&t[0], NULL, stdio_reader, &ret);
	pthread_create(&t[1], NULL, stdio_flusher, &ret);
	await_asleep(&stdio.flusher);
	stdio.forker = gettid();
	pid = fork();
	if (!pid) {
		child_must(!fflush(NULL) && !fclose(stdio.file));
		/* TSan takes the parent's threads for leaks at an _exit(). */
		syscall(SYS_exit_group, 0);
	}
	CU_ASSERT_TRUE(check_reaped(pid));
	pthread_join(t[1], &ret);
	pthread_join(t[0], &ret);
	CU_ASSERT_PTR_NOT_NULL(ret);
	fclose(stdio.file);
	alarm(0);
}

/* Each has an end of its own for a child that shares the parent's memory. */
static void spawns(void)
{
	char name[] = "true", *const argv[] = { name, NULL };
	int n = nforks() / 2, failed = 0;
	pid_t pid;

	hammer_start(&hammer);
	for (int i = 0; i < n; i++) {
		pid = vfork();
		if (!pid) {
			execv("/bin/true", argv);
			_exit(127);
		}
		failed += pid < 0 || !check_reaped(pid);
		failed += posix_spawn(&pid, "/bin/true", NULL, NULL, argv,
				      environ) ||
			  !check_reaped(pid);
	}
	printf("(%d times vfork, %d posix_spawn) ", n, n);
	CU_ASSERT_EQUAL(failed, 0);
	hammer_stop(&hammer);
}

static const CU_TestInfo tests[] = {
	{ "fork beside threads, from two of them", forks },
	{ "fork in the middle of percu_age()", fork_in_age },
	{ "fork beside threads that lock files", fork_and_stdio },
	{ "vfork and posix_spawn beside threads", spawns },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("fork", tests);
}
