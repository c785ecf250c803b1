/* SPDX-License-Identifier: MIT */
/*
 * tests/test_malloc_process.c - malloc in the corners of a process
 *
 * Threads with the least stack there is, blocks that are freed by another
 * thread, forks in the middle of all that, signal handlers that allocate,
 * vfork, and a process without descriptors.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif

#include <percu/alloc.h>

#include "tests/mallocs.h"

/* Lives of random blocks, all freed at the end.  Returns whether all held. */
static bool churn(uint64_t seed, unsigned int n)
{
	enum {
		LIVE = 64
	};
	struct check_rand r = { seed };
	struct {
		unsigned char *p;
		size_t size;
		unsigned int tag;
	} live[LIVE] = { 0 };
	bool good = true;

	for (unsigned int i = 0; i < n + LIVE; i++) {
		unsigned int k = i < n ? check_rand_below(&r, LIVE) : i - n;
		size_t size = check_rand_below(&r, 2000);

		if (check_rand_below(&r, 200) == 0)
			size *= 100;
		if (live[k].p)
			good &= block_whole(live[k].p, live[k].size,
					    live[k].tag);
		if (i < n && check_rand_below(&r, 4) == 0) {
			size_t old = live[k].p ? live[k].size : 0;

			live[k].p = realloc(live[k].p, size + 1);
			good &= block_is(live[k].p, old <= size ? old : size,
					 live[k].tag);
			live[k].size = size + 1;
		} else {
			free(live[k].p);
			live[k].size = size;
			live[k].p = i < n ? malloc(size) : NULL;
		}
		live[k].tag = i;
		if (live[k].p)
			block_fill(live[k].p, live[k].size, i);
	}
	return good;
}

/* Other threads free what one has allocated. ------------------------------------ */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char *shared[512];
static bool broken;

static void worker(unsigned int i, void *arg)
{
	struct check_rand r = { check_seed() + i };
	unsigned int n = *(unsigned int *)arg;

	for (unsigned int k = 0; k < n; k++) {
		unsigned int at = check_rand_below(&r, 512);
		size_t size = 8 + check_rand_below(&r, 3000);
		unsigned char *p = malloc(size), *old;

		memcpy(p, &size, sizeof(size));
		memset(p + 8, (int)(size % 251), size - 8);
		pthread_mutex_lock(&lock);
		old = shared[at];
		shared[at] = p;
		pthread_mutex_unlock(&lock);
		if (!old)
			continue;
		memcpy(&size, old, sizeof(size));
		for (size_t b = 8; b < size; b++)
			if (old[b] != size % 251)
				broken = true;
		free(old);
	}
}

static void shared_free(void)
{
	for (size_t i = 0; i < 512; i++) {
		free(shared[i]);
		shared[i] = NULL;
	}
}

static void test_threads(void)
{
	unsigned int n = check_short() ? 3000 : 10000;

	check_threads(8, worker, &n);
	CU_ASSERT_FALSE(broken);
	shared_free();
}

/* Fork. --------------------------------------------------------------------------- */

static bool stop;

/* Locks of stdio's, in the order in which they could meet percu's. */
static void *flusher(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		fflush(NULL);
	return arg;
}

/* Called with its file locked; a block of that size takes locks of percu's. */
static ssize_t cookie_read(void *cookie, char *buf, size_t size)
{
	(void)cookie;
	free(malloc(100000));
	memset(buf, 'x', size);
	return (ssize_t)size;
}

static void *reader(void *arg)
{
	FILE *f = fopencookie(arg, "r",
			      (cookie_io_functions_t){ .read = cookie_read });
	char buf[5000];

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		if (fread(buf, sizeof(buf), 1, f) != 1)
			broken = true;
	fclose(f);
	return NULL;
}

static void *churner(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		if (!churn((uintptr_t)arg, 500))
			broken = true;
	return NULL;
}

/* In the child threads can be had again, and everything is whole. */
static void child(void *arg)
{
	pthread_t t;
	void *ret;

	stop = true;
	if (!churn((uintptr_t)arg, 500) ||
	    pthread_create(&t, NULL, flusher, NULL) || pthread_join(t, &ret))
		_exit(9);
}

static void test_fork(void)
{
	unsigned int forks = check_short() ? 15 : 40;
	pthread_t t[4];
	char said[400];

	stop = false;
	pthread_create(&t[0], NULL, flusher, NULL);
	pthread_create(&t[1], NULL, reader, NULL);
	pthread_create(&t[2], NULL, churner, (void *)1);
	pthread_create(&t[3], NULL, churner, (void *)2);
	for (unsigned int i = 0; i < forks; i++)
		CU_ASSERT_EQUAL(check_fork(child, (void *)(uintptr_t)i, said,
					   sizeof(said)),
				0);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CU_ASSERT_FALSE(broken);
}

static void vfork_many(int n)
{
	for (volatile int i = 0; i < n; i++) {
		int status;
		pid_t pid = vfork();

		if (!pid) { /* it must not, and programs do */
			if (!churn((uint64_t)i, 5000))
				_exit(9);
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
		CU_ASSERT(waitpid(pid, &status, 0) == pid && !status);
	}
}

/* The parent's other threads go on, one of them with the index it had. */
static void test_vfork(void)
{
	pthread_t t[4];

	vfork_many(3);
	stop = false;
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, churner, (void *)(intptr_t)i);
	vfork_many(20);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CU_ASSERT_FALSE(broken);
	CU_ASSERT(churn(1, 10000));
}

/* Is the calling thread's area of rseq in use? */
static bool registered(void)
{
#if __has_include(<sys/rseq.h>)
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	return __rseq_size && ((volatile int32_t *)area)[1] >= 0;
#else
	return false;
#endif
}

/* A child that vforks itself; and its parent has its CPU again. */
static void test_vfork_in_vfork(void)
{
	volatile pid_t inner = -1;
	volatile int status = -1;
	volatile bool before = registered();
	int outer;
	pid_t pid = vfork();

	if (!pid) {
		int st;

		inner = vfork();
		if (!inner)
			_exit(churn(3, 1000) ? 4 : 9);
		status = waitpid(inner, &st, 0) == inner ? WEXITSTATUS(st) : 8;
		_exit(churn(4, 1000) ? 5 : 9);
	}
	CU_ASSERT(waitpid(pid, &outer, 0) == pid && WEXITSTATUS(outer) == 5);
	CU_ASSERT(inner > 0 && inner != pid && status == 4);
	CU_ASSERT_EQUAL(registered(), before);
}

/* Small stacks. --------------------------------------------------------------------- */

static void *small(void *arg)
{
	for (int i = 0; i < 5; i++)
		if (!churn((uintptr_t)arg + (unsigned int)i, 1000))
			broken = true;
	malloc_trim(0);
	free(calloc(100, 1000));
	return NULL;
}

static void test_stack(void)
{
	pthread_attr_t attr;
	pthread_t t[8];

	pthread_attr_init(&attr);
	CU_ASSERT_EQUAL(pthread_attr_setstacksize(&attr, 16384), 0);
	for (int i = 0; i < 8; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&t[i], &attr, small,
						     (void *)(intptr_t)i),
				      0);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	pthread_attr_destroy(&attr);
	CU_ASSERT_FALSE(broken);
}

/* Signals. ----------------------------------------------------------------------------- */

static volatile unsigned long handled;

static void handler(int sig)
{
	static void *kept[16];
	int err = errno;
	void **k = &kept[handled % 16];

	(void)sig;
	free(*k);
	*k = malloc(16 + handled % 3000);
	if (!*k)
		broken = true;
	else
		memset(*k, 1, 16);
	handled++;
	errno = err;
}

static void test_signal(void)
{
	struct sigaction sa = { .sa_handler = handler }, old;
	const struct itimerval fast = { { 0, 100 }, { 0, 100 } }, none = { 0 };
	struct timespec now, end;

	sigaction(SIGALRM, &sa, &old);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec++;
	setitimer(ITIMER_REAL, &fast, NULL);
	do {
		CU_ASSERT(churn(handled, 500));
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec || /* a busy machine */
		 (handled <= 100 && now.tv_sec < end.tv_sec + 20));
	setitimer(ITIMER_REAL, &none, NULL);
	sigaction(SIGALRM, &old, NULL);
	printf("(%lu signals) ", handled);
	CU_ASSERT(handled > 100);
	CU_ASSERT_FALSE(broken);
}

/* Descriptors. ---------------------------------------------------------------------------- */

/* A file takes the number of stderr: no report may end in it. */
static void no_descriptors(void *arg)
{
	char name[] = "/tmp/percu-XXXXXX";
	int fd;

	(void)arg;
	close_range(0, ~0u, 0);
	for (int i = 0; i < 3; i++)
		fd = open("/", O_TMPFILE | O_RDWR, 0600);
	if (fd < 0) {
		fd = mkstemp(name);
		unlink(name);
		dup2(fd, 2);
	}
	if (!churn(5, 10000))
		_exit(9);
	malloc_trim(0);
	malloc_stats();
	if (lseek(2, 0, SEEK_END) > 0)
		_exit(8);
}

static void test_descriptors(void)
{
	char said[400];

	CU_ASSERT_EQUAL(check_fork(no_descriptors, NULL, said, sizeof(said)),
			0);
}

/* Address space. ---------------------------------------------------------------------------- */

/* How many blocks of that size there are, of at most bytes; all freed. */
static size_t blocks_of(size_t size, size_t bytes)
{
	void *list = NULL, *p;
	size_t n = 0;

	for (; n < bytes / size && (p = malloc(size)); n++) {
		*(void **)p = list;
		list = p;
	}
	while ((p = list)) {
		list = *(void **)p;
		free(p);
	}
	return n;
}

/* What one size has had another one gets, though all addresses are taken. */
static void scarce(void *arg)
{
	const struct rlimit most = { 400 << 20, 400 << 20 };
	size_t bytes;

	(void)arg;
	if (setrlimit(RLIMIT_AS, &most))
		_exit(9);
	bytes = blocks_of(100000, SIZE_MAX) * 100000;
	if (bytes < 200 << 20)
		_exit(8);
	if (blocks_of(1000, bytes * 3 / 4) < bytes / 1000 * 3 / 4)
		_exit(7);
	malloc_trim(0); /* what CPUs keep of blocks keeps their spans */
	if (blocks_of(100 << 20, 100 << 20) != 1)
		_exit(6);
}

static void test_scarce(void)
{
	char said[400];

	CU_ASSERT_EQUAL(check_fork(scarce, NULL, said, sizeof(said)), 0);
}

/* Memory comes back. ------------------------------------------------------------------------ */

enum {
	PAGES_N = 300,
	PAGES_SIZE = 1 << 20
};
static char *pages[PAGES_N];

/* n blocks of so many bytes are made, touched and freed. */
static void come_and_go(int n, size_t size)
{
	for (int i = 0; i < n; i++)
		memset(pages[i] = malloc(size), 1, size);
	for (int i = 0; i < n; i++)
		free(pages[i]);
}

/* Less than any limit: it goes by the clock, while somebody misses. */
static void test_age(void)
{
	size_t before = resident(), mib = 1 << 20;
	struct timespec now, end;

	come_and_go(30, PAGES_SIZE / 10);
	CU_ASSERT(resident() > before + 2 * mib);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += 5;
	do {
		free(malloc(100000));
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (resident() > before + mib && now.tv_sec < end.tv_sec);
	CU_ASSERT(resident() < before + mib);
}

/* More than the largest limit: it goes at once. */
static void test_idle(void)
{
	size_t before = resident();

	come_and_go(PAGES_N, PAGES_SIZE);
	CU_ASSERT(resident() < before + ((size_t)70 << 20));
}

static void test_trim(void)
{
	static char *p[100000];
	size_t before, full;

	malloc_trim(0);
	before = resident();
	for (int i = 0; i < 100000; i++)
		memset(p[i] = malloc(400), 1, 400);
	full = resident();
	for (int i = 0; i < 100000; i++)
		free(p[i]);
	CU_ASSERT(full > before + 39000000);
	CU_ASSERT_EQUAL(malloc_trim(0), 1);
	CU_ASSERT(resident() < before + (4 << 20));
}

static const CU_TestInfo tests[] = {
	{ "idle memory goes back by the clock", test_age },
	{ "much idle memory goes back at once", test_idle },
	{ "malloc_trim", test_trim },
	{ "blocks of one thread, freed by another", test_threads },
	{ "fork among threads, stdio and malloc", test_fork },
	{ "vfork among threads", test_vfork },
	{ "vfork in vfork", test_vfork_in_vfork },
	{ "stacks of 16 KiB", test_stack },
	{ "handlers that allocate", test_signal },
	{ "scarce addresses", test_scarce },
	{ "no descriptors", test_descriptors },
	CU_TEST_INFO_NULL
};

int main(void)
{
	mallocs_valgrind();
	return check_main("malloc in a process", tests);
}
