/* SPDX-License-Identifier: MIT */
/*
 * tests/test_retire_fork.c - new processes, beside threads that retire
 *
 * Laws: a child retires and waits as its parent does, from whatever moment it
 * was copied: beside a flood, in a release callback, in a read section.  What
 * it retires comes back by itself too.  The parent loses nothing.  A fork takes
 * no longer than the patience for a reclaimer that waits for a reader.  With
 * liburcu's own handlers around fork, whenever they were registered, readers of
 * the parent are none of the child's.
 */
#include <errno.h>
#include <percu/alloc.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "pool/pool.h"
#include "pool/retire.h"
#include "sys/os.h"
#include "sys/tool.h"
#include "tests/check.h"
#include "tests/pools.h"
#include "tests/retire.h"

enum {
	WATCHDOG = 40, /* seconds */
	NTHREADS = 8,
	BOUND = 2000, /* ms that a fork may take, many times its patience */
};

/* A child of the reclaimer has every signal blocked: the alarm's too. */
static void watchdog(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	alarm(WATCHDOG);
}

static struct percu_pool *pool;
static _Atomic bool stop;
static _Atomic unsigned long retired, failed;
static bool readers_too;

static void retire_one(unsigned int i)
{
	if (readers_too && i % 3 == 0)
		urcu_bp_read_lock();
	percu_pool_put_rcu(pool, percu_pool_get(pool));
	if (i % 16 == 0)
		percu_free_rcu(percu_alloc(i % 64 ? 200 : 40000));
	if (readers_too && i % 3 == 0) {
		reader_leaves(&urcu_bp_flavor);
		urcu_bp_read_unlock();
	}
	retired++;
}

static void *flood_thread(void *arg)
{
	for (unsigned int i = (unsigned int)(uintptr_t)arg; !stop; i++)
		retire_one(i);
	return NULL;
}

/* The child of whatever moment: it goes on, alone. */
static void child_use(void)
{
	struct percu_pool_stats before, after;
	void *obj;

	watchdog();
	check_forked();
	percu_pool_stats(pool, &before);
	for (unsigned int i = 0; i < 200; i++)
		retire_one(i);
	percu_pool_barrier(pool);
	percu_barrier();
	percu_pool_stats(pool, &after);
	child_must(after.puts_rcu == before.puts_rcu + 200);
	child_must(after.deferred <= before.deferred);
	child_must(!graces.bytes);
	/* And what nobody waits for comes back. */
	obj = percu_pool_get(pool);
	child_must(obj);
	percu_pool_put_rcu(pool, obj);
	while (stats_of(pool).deferred > after.deferred)
		usleep(1000);
}

/* Milliseconds that the fork took. */
static uint64_t fork_once(bool again)
{
	uint64_t from = os_clock(), ms;
	pid_t pid = fork(), inner;

	ms = (os_clock() - from) / 1000000;
	if (!pid) {
		child_use();
		inner = again ? fork() : 0;
		child_must(inner >= 0);
		if (again && !inner)
			child_use();
		if (inner)
			child_must(check_reaped(inner));
		_exit(0);
	}
	failed += pid < 0 || !check_reaped(pid);
	return ms;
}

static void begin(const char *name)
{
	pool = percu_pool_create(
		&(struct percu_pool_attr){ .name = name, .size = 72 });
	stop = false;
	retired = failed = 0;
	fflush(NULL);
}

static int nforks(void)
{
	return tool_any() ? 5 : check_short() ? 10 : 25;
}

/* How many forks were slow, and whether all ended well. */
static bool flood(const char *name, int n)
{
	uint64_t ms, most = 0;
	pthread_t id[NTHREADS];
	bool ok;

	begin(name);
	for (uintptr_t i = 0; i < NTHREADS; i++)
		if (pthread_create(&id[i], NULL, flood_thread, (void *)i))
			abort();
	while (retired < 1000)
		usleep(100);
	for (int i = 0; i < n; i++) {
		ms = fork_once(i % 8 == 0);
		most = ms > most ? ms : most;
	}
	stop = true;
	for (int i = 0; i < NTHREADS; i++)
		pthread_join(id[i], NULL);
	percu_pool_barrier(pool);
	ok = stats_of(pool).puts_rcu == retired && !stats_of(pool).deferred;
	ok &= !percu_pool_destroy(pool);
	printf("(%d forks beside %lu retirements, the longest %llu ms) ", n,
	       retired, (unsigned long long)most);
	fflush(stdout);
	return ok && !failed && most < BOUND;
}

/*
 * ASan of gcc 12 takes none of its own locks before fork(): a child that
 * starts a thread, as these do, may find its allocator's taken for good.
 */
static bool asan_forks(void)
{
	if (tool.asan)
		check_skip("ASan's locks are not free in a child");
	return tool.asan;
}

/* Nobody reads: nothing of liburcu is to be said to the child. */
static void flooded(void)
{
	if (asan_forks())
		return;
	CU_ASSERT_TRUE(flood("flooded", nforks()));
	ASSERT_POOLS_HOLD(0);
}

/* From two threads: each finds the reclaimers parked. */
static void *fork_thread(void *arg)
{
	for (int i = 0; i < *(int *)arg; i++)
		fork_once(false);
	return NULL;
}

static void two_fork(void)
{
	int n = nforks() / 4;
	pthread_t id[3];

	if (asan_forks())
		return;
	begin("two");
	CU_ASSERT_FATAL(!pthread_create(&id[0], NULL, flood_thread, NULL));
	for (int i = 1; i < 3; i++)
		CU_ASSERT_FATAL(!pthread_create(&id[i], NULL, fork_thread, &n));
	for (int i = 1; i < 3; i++)
		pthread_join(id[i], NULL);
	stop = true;
	pthread_join(id[0], NULL);
	CU_ASSERT_EQUAL(failed, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
	ASSERT_POOLS_HOLD(0);
}

/* In a release callback: the child goes on as the reclaimer. ------------------------- */

static _Atomic unsigned long released, children;

static void on_release(void *obj, void *arg)
{
	pid_t pid;

	(void)obj;
	(void)arg;
	if (released++ % 10)
		return;
	pid = fork();
	if (!pid) {
		watchdog();
		check_forked();
		for (unsigned int i = 0; i < 100; i++)
			retire_one(i);
		child_must(grace_in_callback());
		percu_age();
		_exit(0);
	}
	children += pid > 0 && check_reaped(pid);
}

static void in_callback(void)
{
	struct percu_pool *forks;
	char some[50];

	begin("callback");
	forks = release_pool_create("forks", 0, on_release, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(forks);
	released = children = 0;
	for (int i = 0; i < 50; i++) {
		percu_pool_put_rcu(forks, &some[i]);
		retire_one((unsigned int)i);
	}
	percu_pool_barrier(forks);
	CU_ASSERT_EQUAL(released, 50);
	CU_ASSERT_EQUAL(children, 5);
	CU_ASSERT_EQUAL(percu_pool_destroy(forks), 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
	ASSERT_POOLS_HOLD(0);
}

/* The thread of a child lives on: what was in its hands is done there too. */
static pid_t forked;
static struct percu_pool *late;

static void on_release_go_on(void *obj, void *arg)
{
	(void)arg;
	released++;
	if (obj == &released)
		forked = fork();
	/* The child's reclaimer ends the process when it has done the rest. */
	if (obj == &children && !forked) {
		watchdog();
		child_must(released == 2);
		child_must(late->retire.in - late->retire.out == 1);
		_exit(0);
	}
}

static void callback_goes_on(void)
{
	begin("goes on");
	late = release_pool_create("late", 0, on_release_go_on, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(late);
	released = 0;
	forked = -1;
	percu_pool_put_rcu(late, &released);
	percu_pool_put_rcu(late, &children);
	percu_pool_barrier(late);
	CU_ASSERT_TRUE(forked > 0 && check_reaped(forked));
	CU_ASSERT_EQUAL(percu_pool_destroy(late), 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
}

/*
 * Another thread has pushed, and is about to say that a round is due: in the
 * child of a callback there is no such thread.
 */
static struct percu_pool *pushed;
static void *others[2 * MAGAZINE_MAX];

static void on_release_pushed(void *obj, void *arg)
{
	struct grace *g = pushed->retire.grace;

	(void)arg;
	if (obj != &released) {
		if (!forked)
			_exit(0);
		return;
	}
	for (uint32_t i = 0; i <= pushed->magazine; i++)
		percu_pool_put_rcu(pushed, &others[i]);
	lock_take(&graces.lock, LOCK_GRACE);
	child_must(g->inbox);
	g->due = g->flush_at = 0;
	g->hurried = true;
	lock_give(&graces.lock, LOCK_GRACE);
	forked = fork();
	if (!forked) {
		watchdog();
		return;
	}
	lock_take(&graces.lock, LOCK_GRACE);
	g->due = 1;
	g->hurried = false;
	lock_give(&graces.lock, LOCK_GRACE);
}

static void callback_push(void)
{
	pushed = release_pool_create("pushed", 0, on_release_pushed, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pushed);
	forked = -1;
	percu_pool_put_rcu(pushed, &released);
	percu_pool_barrier(pushed);
	CU_ASSERT_TRUE(forked > 0 && check_reaped(forked));
	CU_ASSERT_EQUAL(percu_pool_destroy(pushed), 0);
}

/* In a read section, for which the reclaimer waits. ----------------------------------- */

static void in_section(void)
{
	uint64_t from, ms;
	pid_t pid;

	begin("section");
	urcu_bp_read_lock();
	for (unsigned int i = 0; i < 300; i++)
		retire_one(i);
	usleep(20000); /* so that a grace period is under way, most likely */
	from = os_clock();
	pid = fork();
	ms = (os_clock() - from) / 1000000;
	if (!pid) {
		watchdog();
		check_forked();
		for (unsigned int i = 0; i < 300; i++)
			retire_one(i);
		_exit(0);
	}
	reader_leaves(&urcu_bp_flavor);
	urcu_bp_read_unlock();
	CU_ASSERT_TRUE(pid > 0 && check_reaped(pid));
	printf("(%llu ms) ", (unsigned long long)ms);
	CU_ASSERT_TRUE(ms < BOUND);
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
	ASSERT_POOLS_HOLD(0);
}

/* Has the reclaimer of bp begun to wait for readers? */
static bool under_way(void)
{
	bool is;

	lock_take(&graces.lock, LOCK_GRACE);
	is = grace_of(&urcu_bp_flavor)->since;
	lock_give(&graces.lock, LOCK_GRACE);
	return is;
}

/* Law: what a grace period is under way for waits in the child as well. */
static void child_has_all(unsigned int n)
{
	struct audit a;

	alarm(WATCHDOG);
	child_must(!pool_audit(pool, &a));
	child_must(a.deferred == n && stats_of(pool).deferred == n);
	_exit(0); /* its liburcu may be locked: no more than this */
}

/* Others' sections: a fork waits for its patience, and no longer. */
static void beside_reader(void)
{
	struct holder h = { .flavor = &urcu_bp_flavor };
	uint64_t ms;
	pid_t pid;

	begin("beside");
	holder_begin(&h);
	for (unsigned int i = 0; i < 300; i++)
		retire_one(i);
	while (!under_way())
		usleep(100);
	ms = os_clock();
	pid = fork();
	ms = (os_clock() - ms) / 1000000;
	if (!pid)
		child_has_all(300);
	holder_end(&h);
	CU_ASSERT_TRUE(pid > 0 && check_reaped(pid));
	printf("(%llu ms) ", (unsigned long long)ms);
	CU_ASSERT_TRUE(ms < BOUND);
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
	ASSERT_POOLS_HOLD(0);
}

/* vfork and exec know nothing of it. */
static void spawns(void)
{
	char name[] = "true", *const argv[] = { name, NULL };
	int n = nforks() / 4, bad = 0;
	pthread_t id;
	pid_t pid;

	begin("spawns");
	CU_ASSERT_FATAL(!pthread_create(&id, NULL, flood_thread, NULL));
	for (int i = 0; i < n; i++) {
		pid = vfork();
		if (!pid) {
			execv("/bin/true", argv);
			_exit(127);
		}
		bad += pid < 0 || !check_reaped(pid);
		bad += posix_spawn(&pid, "/bin/true", NULL, NULL, argv,
				   environ) ||
		       !check_reaped(pid);
	}
	stop = true;
	pthread_join(id, NULL);
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
}

/* With liburcu's handlers, in programs of their own. ---------------------------------- */

static void handlers(void)
{
	child_must(!pthread_atfork(urcu_bp_before_fork,
				   urcu_bp_after_fork_parent,
				   urcu_bp_after_fork_child));
}

/* The thread that forks has never read: liburcu does not know it. */
static void *fork_unknown(void *arg)
{
	(void)arg;
	fork_once(false);
	return NULL;
}

static void with_handlers(void)
{
	pthread_t id;

	readers_too = true;
	begin("unknown");
	for (unsigned int i = 0; i < 100; i++)
		retire_one(i);
	child_must(!pthread_create(&id, NULL, fork_unknown, NULL));
	pthread_join(id, NULL);
	child_must(!percu_pool_destroy(pool) && !failed);
	child_must(flood("handled", nforks() / 2));
}

static void quietly(void)
{
	if (!freopen("/dev/null", "w", stdout))
		_exit(1);
	watchdog();
}

static void child_first(void)
{
	quietly();
	handlers();
	with_handlers();
}

static void child_later(void)
{
	quietly();
	begin("before");
	for (unsigned int i = 0; i < 100; i++)
		retire_one(i);
	percu_barrier();
	child_must(!percu_pool_destroy(pool));
	handlers();
	with_handlers();
}

static void handlers_first(void)
{
	if (asan_forks())
		return;
	CU_ASSERT_TRUE(run_again("", "first"));
}

static void handlers_later(void)
{
	if (asan_forks())
		return;
	CU_ASSERT_TRUE(run_again("", "later"));
}

static const struct again agains[] = {
	{ "first", child_first },
	{ "later", child_later },
	{ NULL, NULL },
};

static const CU_TestInfo tests[] = {
	{ "fork beside a flood", flooded },
	{ "fork from two threads", two_fork },
	{ "fork in a release callback", in_callback },
	{ "the callback's child goes on", callback_goes_on },
	{ "the callback's child does what others had begun", callback_push },
	{ "fork in a read section", in_section },
	{ "fork beside a reader that stays", beside_reader },
	{ "vfork and posix_spawn", spawns },
	{ "liburcu's handlers, registered before percu is used",
	  handlers_first },
	{ "liburcu's handlers, registered after a retirement", handlers_later },
	CU_TEST_INFO_NULL
};

int main(int argc, char **argv)
{
	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("retire_fork", tests);
}
