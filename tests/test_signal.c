/* SPDX-License-Identifier: MIT */
/*
 * tests/test_signal.c - signals at any instruction
 *
 * A handler that does nothing restarts the sequence that it has interrupted.
 * One that gets and puts does as it likes on the hit path; its miss, where it
 * has interrupted a miss, is refused with EAGAIN, or its object is parked.
 * Whatever happens nothing is lost, and the counts are exact.
 *
 * So that none of it is vacuous: how many signals found a sequence to abort
 * (the kernel has put the interrupted address where the abort handler is), and
 * how many found the library inside its locks.
 */
#include <errno.h>
#include <percu/alloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

#include "tests/hammer.h"
#include "tests/sequences.h"

enum {
	NTHREADS = 4,
	NHELD = 4,    /* by handlers, of each thread */
	TICK = 50000, /* nanoseconds */
};

static struct percu_pool *pool;
static _Atomic unsigned long signals, aborts, refused, got, put, failed;
static _Atomic bool stop;

/* This thread's handlers' own. */
static __thread void *held[NHELD];
static __thread void *block[NHELD];
static __thread unsigned int turn;

static uintptr_t interrupted(void *context)
{
#if defined(__x86_64__)
	return (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#else
	(void)context;
	return 0;
#endif
}

static void count(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	signals++;
	aborts += is_abort(interrupted(context));
}

/* NULL is an answer here, with EAGAIN: that this is no moment for a miss. */
static void *try(void *obj)
{
	if (obj)
		got++;
	else if (errno == EAGAIN)
		refused++;
	else
		failed++;
	return obj;
}

/*
 * Gets, or puts what another signal has got: sometimes several, so that some
 * miss.  errno is the interrupted code's.
 */
static void get_put(int sig, siginfo_t *info, void *context)
{
	unsigned int i = turn++ % NHELD;
	int err = errno;

	count(sig, info, context);
	if (held[i] || block[i]) {
		put += !!held[i];
		percu_pool_put(pool, held[i]);
		percu_free(block[i]);
		held[i] = block[i] = NULL;
	} else {
		held[i] = try(percu_pool_get(pool));
		block[i] = percu_alloc(48);
	}
	errno = err;
}

/* Every thread has a timer that interrupts it and no other. */
static timer_t timer_begin(int sig)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID,
			       .sigev_signo = sig };
	struct itimerspec every = { { 0, TICK }, { 0, TICK } };
	timer_t t;

	ev._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &ev, &t) ||
	    timer_settime(t, 0, &every, NULL))
		abort();
	return t;
}

/* No signal comes after it. */
static void timer_end(timer_t t, int sig)
{
	struct timespec none = { 0, 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	timer_delete(t);
	while (sigtimedwait(&set, NULL, &none) == sig)
		;
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Handlers in the middle of what a handler also does. */
static _Atomic unsigned long taken, given, broken;

static void work(unsigned int n)
{
	void *objs[60];
	size_t k;

	for (unsigned int i = 0; i < n; i++) {
		objs[i] = percu_pool_get(pool);
		broken += !objs[i];
		percu_free(percu_alloc(48));
	}
	taken += n;
	for (unsigned int i = 0; i < n; i++)
		percu_pool_put(pool, objs[i]);
	k = percu_pool_get_bulk(pool, objs, n);
	broken += k != n;
	percu_pool_put_bulk(pool, objs, k);
	taken += k;
	given += n + k;
}

static void thread(unsigned int i, void *arg)
{
	struct check_rand r = { check_seed() + i };
	timer_t t = timer_begin(SIGALRM);

	while (!stop) {
		work(1 +
		     check_rand_below(&r, check_rand_below(&r, 4) ? 4 : 60));
		/* Misses on other CPUs too, and the longest slow path. */
		if (arg && !check_rand_below(&r, 50))
			percu_pool_age(pool);
	}
	timer_end(t, SIGALRM);
	for (int k = 0; k < NHELD; k++) {
		put += !!held[k];
		percu_pool_put(pool, held[k]);
		percu_free(block[k]);
	}
}

/* Signals have come, and some at an instruction of a sequence. */
static bool enough(void)
{
	return signals > 100 && (!hits_are_hits() || aborts > 0);
}

/* A busy machine needs longer to have enough: a minute at most. */
static void stop_after(unsigned int i, void *arg)
{
	if (i < NTHREADS) {
		thread(i, arg);
		return;
	}
	usleep(check_short() ? 1000000 : 3000000);
	for (int ms = 0; ms < 60000 && !enough(); ms++)
		usleep(1000);
	stop = true;
}

/* A miss of any pool places what handlers had to park. */
static void place_parked(void)
{
	const struct percu_pool_attr attr = { .name = "fresh", .size = 24 };
	struct percu_pool *p = percu_pool_create(&attr);
	void *obj = p ? percu_pool_get(p) : NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(obj);
	percu_pool_put(p, obj);
	CU_ASSERT_EQUAL(percu_pool_destroy(p), 0);
}

static void storm(void (*handler)(int, siginfo_t *, void *), bool age)
{
	const struct percu_pool_attr attr = { .name = "signalled", .size = 56 };
	struct sigaction sa = { .sa_sigaction = handler,
				.sa_flags = SA_SIGINFO | SA_RESTART };
	struct percu_pool_stats st;

	pool = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	signals = aborts = refused = got = put = failed = 0;
	taken = given = broken = 0;
	stop = false;
	check_seed();
	CU_ASSERT_FATAL(!sigaction(SIGALRM, &sa, NULL));
	check_threads(NTHREADS + 1, stop_after, age ? pool : NULL);
	printf("(%lu signals, %lu aborts; in handlers: %lu got, %lu refused) ",
	       signals, aborts, got, refused);
	place_parked();
	st = stats_of(pool);
	CU_ASSERT_EQUAL(broken, 0);
	CU_ASSERT_EQUAL(failed, 0);
	CU_ASSERT_TRUE(enough());
	CU_ASSERT_EQUAL(got, put);
	CU_ASSERT_EQUAL(st.gets, taken + got);
	CU_ASSERT_EQUAL(st.puts, given + put);
	CU_ASSERT_TRUE(all_conserve());
	CU_ASSERT_EQUAL(memstats().alloc, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
}

static void counting(void)
{
	storm(count, true);
}

static void hitting(void)
{
	storm(get_put, false);
	CU_ASSERT_TRUE(got > 0);
}

static void missing(void)
{
	storm(get_put, true);
	CU_ASSERT_TRUE(got > 0);
	CU_ASSERT_TRUE(refused > 0);
}

/* What a handler had to park is no reason not to end the pool. */
static void parked_put(int sig)
{
	(void)sig;
	percu_pool_put(pool, held[0]);
	percu_free(block[0]);
}

/* The handler comes while this thread has locks, for certain. */
static void parked(void)
{
	const struct percu_pool_attr attr = { .name = "parked", .size = 500 };
	uint64_t before = memstats().alloc;

	pool = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	held[0] = percu_pool_get(pool);
	block[0] = percu_alloc(100000);
	CU_ASSERT_FATAL(held[0] && block[0]);
	signal(SIGUSR1, parked_put);
	lock_take(&pools.age, LOCK_AGE);
	raise(SIGUSR1);
	errno = 0;
	/* A miss is refused meanwhile, large or small. */
	CU_ASSERT_PTR_NULL(percu_alloc(200000));
	CU_ASSERT_EQUAL(errno, EAGAIN);
	lock_give(&pools.age, LOCK_AGE);
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
	CU_ASSERT_EQUAL(memstats().alloc, before);
	CU_ASSERT_TRUE(all_conserve());
	held[0] = block[0] = NULL;
}

/* Blocks, of all sizes, as many as a program may have. */
enum {
	NBLOCKS = 1000,
};

static void *many[NBLOCKS];

static void free_many(int sig)
{
	(void)sig;
	for (int i = 0; i < NBLOCKS; i++)
		percu_free(many[i]);
}

static void parked_blocks(void)
{
	uint64_t before = memstats().alloc;

	if (tool_redzone())
		return check_skip("a tool, under which 64 can be parked");
	for (int i = 0; i < NBLOCKS; i++) {
		size_t size = i % 100 ? (size_t)i * 33 % 5000 : 40000;

		many[i] = percu_alloc(size);
		CU_ASSERT_PTR_NOT_NULL_FATAL(many[i]);
		fill_bytes(many[i], size, 1);
	}
	signal(SIGUSR1, free_many);
	lock_take(&pools.age, LOCK_AGE);
	raise(SIGUSR1);
	lock_give(&pools.age, LOCK_AGE);
	place_parked();
	CU_ASSERT_EQUAL(memstats().alloc, before);
	CU_ASSERT_TRUE(all_conserve());
}

static const CU_TestInfo tests[] = {
	{ "a handler that counts", counting },
	{ "a handler that gets and puts, where misses are rare", hitting },
	{ "a handler that gets and puts, beside ageing", missing },
	{ "any number of blocks can be parked", parked_blocks },
	{ "a put that was parked does not keep the pool", parked },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("signal", tests);
}
