/* SPDX-License-Identifier: MIT */
/*
 * tests/test_sys.c - the seam to the system: faults, pages, the clock, files
 *
 * What must end in a signal runs in a forked child.  sys/cpu.c has test_cpu.c,
 * sys/lock.h test_lock.c; sys/conf.c and sys/report.c have test_report.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/os.h"
#include "tests/check.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#define MIB ((size_t)1 << 20)

/* Faults */

static void fault_exactly_nth(void)
{
	for (unsigned long nth = 1; nth <= 5; nth++) {
		os_fault_arm(1u << OS_MAP, nth, false);
		for (unsigned long i = 1; i <= 10; i++)
			CU_ASSERT_EQUAL(os_fault(OS_MAP), i == nth);
		CU_ASSERT_EQUAL(os_fault_seen(), 10);
		CU_ASSERT_EQUAL(os_fault_fired(), 1);
	}
	CU_ASSERT_EQUAL(check_fired("the last"), 1);
	CU_ASSERT_FALSE(os_fault(OS_MAP));
	CU_ASSERT_EQUAL(os_fault_seen(), 10);
}

static void fault_forever(void)
{
	os_fault_arm(1u << OS_MAP | 1u << OS_COMMIT, 3, true);
	for (unsigned long i = 1; i <= 10; i++)
		CU_ASSERT_EQUAL(os_fault(i & 1 ? OS_MAP : OS_COMMIT), i >= 3);
	/* A call that is not in the mask is not counted either. */
	CU_ASSERT_FALSE(os_fault(OS_WRITE));
	CU_ASSERT_EQUAL(os_fault_seen(), 10);
	CU_ASSERT_EQUAL(check_fired("forever"), 8);

	os_fault_arm(~0u, 0, true);
	CU_ASSERT_FALSE(os_fault(OS_RESERVE));
	CU_ASSERT_EQUAL(os_fault_seen(), 1);
	CU_ASSERT_EQUAL(check_fired("counting only"), 0);
}

static void fault_says_why(void)
{
	static const int want[OS_NR_CALLS] = {
		[OS_RESERVE] = ENOMEM,   [OS_COMMIT] = ENOMEM,
		[OS_RELEASE] = EAGAIN,   [OS_MAP] = ENOMEM,
		[OS_UNMAP] = ENOMEM,     [OS_MOVE] = ENOMEM,
		[OS_MEMBARRIER] = EPERM, [OS_OPEN] = EMFILE,
		[OS_DUP] = EMFILE,       [OS_WRITE] = EIO,
		[OS_THREAD] = EAGAIN,
	};

	for (int call = 0; call < OS_NR_CALLS; call++) {
		os_fault_arm(1u << call, 1, false);
		errno = 0;
		CU_ASSERT_TRUE(os_fault((enum os_call)call));
		CU_ASSERT_EQUAL(errno, want[call]);
	}
	CU_ASSERT_EQUAL(check_fired("the last"), 1);
}

enum {
	FAULT_THREADS = 4,
	FAULT_CALLS = 10000
};

static void fault_thread(unsigned int i, void *arg)
{
	unsigned long *failed = arg;

	for (int n = 0; n < FAULT_CALLS; n++)
		failed[i] += os_fault(OS_MAP);
}

/* Law: whoever makes it, one call in all is the n-th. */
static void fault_threads(void)
{
	const unsigned long all = FAULT_THREADS * FAULT_CALLS;

	for (int forever = 0; forever < 2; forever++) {
		unsigned long failed[FAULT_THREADS] = { 0 }, sum = 0;

		os_fault_arm(1u << OS_MAP, 777, forever);
		check_threads(FAULT_THREADS, fault_thread, failed);
		for (int i = 0; i < FAULT_THREADS; i++)
			sum += failed[i];
		CU_ASSERT_EQUAL(os_fault_seen(), all);
		CU_ASSERT_EQUAL(sum, forever ? all - 776 : 1);
		CU_ASSERT_EQUAL(check_fired(forever ? "forever" : "once"), sum);
	}
}

/* Pages */

static void touch_read(void *p)
{
	(void)*(volatile char *)p;
}

static void touch_write(void *p)
{
	*(volatile char *)p = 1;
}

static bool faults(void (*touch)(void *), void *p)
{
	int status = check_fork(touch, p, NULL, 0);

	return WIFSIGNALED(status) &&
	       (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS);
}

static bool all_bytes(const unsigned char *p, size_t n, unsigned char want)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != want)
			return false;
	}
	return true;
}

/* Harmless advice, and an error where there is no mapping to give it to. */
static bool mapped(void *p)
{
	return madvise(p, os_page_size(), MADV_NORMAL) == 0;
}

static void page_size(void)
{
	CU_ASSERT_EQUAL(os_page_size(), (size_t)sysconf(_SC_PAGESIZE));
}

static void reserve_aligned(void)
{
	const size_t page = os_page_size();

	for (size_t align = page; align <= 64 * MIB; align *= 2) {
		for (size_t size = page; size <= 64 * MIB;
		     size = size * 3 / page * page) {
			char *p = os_reserve(size, align);

			CU_ASSERT_PTR_NOT_NULL_FATAL(p);
			CU_ASSERT_EQUAL((uintptr_t)p % align, 0);
			CU_ASSERT_TRUE(mapped(p) && mapped(p + size - page));
			os_unmap(p, size);
		}
	}
}

/* Law: reserving leaves nothing behind, on either side of the fit. */
static void reserve_trims(void)
{
	const size_t size = os_page_size(), align = 64 * MIB;
	const int rounds = 200;
	char before[128], after[128];
	long pages;

	CU_ASSERT(os_read_file("/proc/self/statm", before, sizeof(before)) > 0);
	for (int i = 0; i < rounds; i++)
		os_unmap(os_reserve(size, align), size);
	CU_ASSERT(os_read_file("/proc/self/statm", after, sizeof(after)) > 0);
	pages = atol(after) - atol(before);
	CU_ASSERT(pages < (long)(align / size));
	printf("(%ld pages more after %d) ", pages, rounds);
}

static void reserve_refuses(void)
{
	errno = 0;
	CU_ASSERT_PTR_NULL(
		os_reserve(SIZE_MAX / 2 & -os_page_size(), os_page_size()));
	CU_ASSERT_EQUAL(errno, ENOMEM);
	errno = 0;
	CU_ASSERT_PTR_NULL(os_map(SIZE_MAX / 2 & -os_page_size()));
	CU_ASSERT_EQUAL(errno, ENOMEM);

	for (unsigned long nth = 1; nth <= 2; nth++) {
		void *p;

		/* Twice as aligned as anything: the second try is made. */
		os_fault_arm(1u << OS_RESERVE, nth, false);
		errno = 0;
		p = os_reserve(os_page_size(), (size_t)1 << 40);
		CU_ASSERT_PTR_NULL(p);
		CU_ASSERT_EQUAL(errno, ENOMEM);
		CU_ASSERT_EQUAL(check_fired("reserve"), 1);
	}
}

static void commit_release(void)
{
	const size_t page = os_page_size(), size = 16 * page;
	unsigned char *p = os_reserve(size, page);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(faults(touch_read, p));
	CU_ASSERT_EQUAL(os_commit(p, 4 * page), 0);
	CU_ASSERT_TRUE(all_bytes(p, 4 * page, 0));
	CU_ASSERT_TRUE(faults(touch_read, p + 4 * page));

	memset(p, 0xa5, 4 * page);
	CU_ASSERT_EQUAL(os_release(p + page, 2 * page), 0);
	CU_ASSERT_TRUE(all_bytes(p, page, 0xa5));
	CU_ASSERT_TRUE(all_bytes(p + page, 2 * page, 0));
	CU_ASSERT_TRUE(all_bytes(p + 3 * page, page, 0xa5));
	/* No second commit is needed. */
	memset(p + page, 0x5a, 2 * page);
	CU_ASSERT_TRUE(all_bytes(p + page, 2 * page, 0x5a));

	os_unmap(p, size);
	CU_ASSERT_FALSE(mapped(p));
	CU_ASSERT_EQUAL(os_commit(p, page), -ENOMEM);
	CU_ASSERT_EQUAL(os_release(p, page), -ENOMEM);
}

/* Law: what failed has done nothing, and does not say so through errno. */
static void page_faults(void)
{
	const size_t page = os_page_size();
	unsigned char *p = os_reserve(page, page);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	errno = EDOM;
	os_fault_arm(1u << OS_COMMIT, 1, false);
	CU_ASSERT_EQUAL(os_commit(p, page), -ENOMEM);
	CU_ASSERT_EQUAL(check_fired("commit"), 1);
	CU_ASSERT_TRUE(faults(touch_write, p));

	CU_ASSERT_EQUAL(os_commit(p, page), 0);
	memset(p, 1, page);
	errno = EDOM;
	os_fault_arm(1u << OS_RELEASE, 1, false);
	CU_ASSERT_EQUAL(os_release(p, page), -EAGAIN);
	CU_ASSERT_EQUAL(errno, EDOM);
	CU_ASSERT_EQUAL(check_fired("release"), 1);
	CU_ASSERT_TRUE(all_bytes(p, page, 1));

	os_fault_arm(1u << OS_UNMAP, 1, false);
	os_unmap(p, page);
	CU_ASSERT_EQUAL(errno, EDOM);
	CU_ASSERT_EQUAL(check_fired("unmap"), 1);
	/* The addresses are lost and the memory is not. */
	CU_ASSERT_TRUE(mapped(p));
	CU_ASSERT_TRUE(all_bytes(p, page, 0));
	os_unmap(p, page);
	CU_ASSERT_FALSE(mapped(p));
}

static void map_both(void)
{
	const size_t page = os_page_size(), size = 64 * page;
	unsigned char *p = os_map(size), *zero = os_map_zero(size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(zero);
	CU_ASSERT_TRUE(all_bytes(p, size, 0));
	memset(p, 0xff, size);
	CU_ASSERT_TRUE(all_bytes(zero, size, 0));
	CU_ASSERT_FALSE(faults(touch_read, zero));
	CU_ASSERT_TRUE(faults(touch_write, zero));
	CU_ASSERT_TRUE(faults(touch_write, zero + size - 1));
	CU_ASSERT_FALSE(faults(touch_write, p));
	os_unmap(p, size);
	os_unmap(zero, size);

	for (unsigned long nth = 1; nth <= 2; nth++) {
		os_fault_arm(1u << OS_MAP, nth, false);
		p = os_map(page);
		zero = os_map_zero(page);
		CU_ASSERT_EQUAL(check_fired("map"), 1);
		CU_ASSERT_EQUAL(p == NULL, nth == 1);
		CU_ASSERT_EQUAL(zero == NULL, nth == 2);
		os_unmap(p ? p : zero, page);
	}
}

/* Is the mapping that begins at p named in /proc/self/maps? */
static bool maps_name(void *p)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	char line[512];
	bool found = false;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 &&
		    (unsigned long)p >= start && (unsigned long)p < end)
			found = strstr(line, "[anon:percu]") != NULL;
	}
	if (f)
		fclose(f);
	return found;
}

static void map_named(void)
{
	const size_t page = os_page_size();
	void *p = os_map(page), *r = os_reserve(page, page);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	if (prctl(PR_SET_VMA, 0, (unsigned long)p, page,
		  (unsigned long)"percu")) {
		check_skip("the kernel has no names for mappings");
	} else {
		CU_ASSERT_TRUE(maps_name(r));
		os_unmap(p, page);
		p = os_map(page);
		CU_ASSERT_TRUE(maps_name(p));
	}
	os_unmap(p, page);
	os_unmap(r, page);
}

/* The clock */

static uint64_t clock_fine(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Law: never back, never ahead of the real one, and it moves. */
static void clock_monotone(void)
{
	const uint64_t start = os_clock_coarse(),
		       end = clock_fine() + 100 * 1000 * 1000;
	uint64_t last = start, now, fine;

	do {
		now = os_clock_coarse();
		fine = clock_fine();
		if (now < last || now > fine)
			break;
		last = now;
	} while (fine < end);
	CU_ASSERT(now >= last);
	CU_ASSERT(now <= fine);
	CU_ASSERT(now - start >= 50 * 1000 * 1000);
}

/* Files */

static void on_signal(int sig)
{
	(void)sig;
}

struct slow_pipe {
	int fds[2];
	size_t len;
	char *text;
	int err;
	bool same;
	pthread_t writer;
	sem_t started, done;
};

/* Thread 0 writes; thread 1 reads slowly, and interrupts it after each read. */
static void slow_pipe_thread(unsigned int i, void *arg)
{
	struct slow_pipe *s = arg;
	char buf[1000];
	size_t at = 0;
	ssize_t n;

	if (i == 0) {
		s->writer = pthread_self();
		sem_post(&s->started);
		errno = EDOM;
		s->err = os_write(s->fds[1], s->text, s->len);
		CU_ASSERT_EQUAL(errno, EDOM);
		close(s->fds[1]);
		/* It must not end while the other one sends it signals. */
		sem_wait(&s->done);
		return;
	}
	s->same = true;
	sem_wait(&s->started);
	while ((n = read(s->fds[0], buf, sizeof(buf))) != 0) {
		if (n < 0)
			continue;
		s->same = s->same && !memcmp(buf, s->text + at, (size_t)n);
		at += (size_t)n;
		pthread_kill(s->writer, SIGUSR1);
		sched_yield();
	}
	s->same = s->same && at == s->len;
	sem_post(&s->done);
}

static void write_all(void)
{
	struct sigaction act = { .sa_handler = on_signal }, old;
	struct slow_pipe s = { .len = check_short() ? 200000 : 1000000 };
	struct check_rand r = { check_seed() };

	s.text = malloc(s.len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s.text);
	for (size_t i = 0; i < s.len; i++)
		s.text[i] = (char)check_rand(&r);
	CU_ASSERT_EQUAL_FATAL(pipe(s.fds), 0);
	sem_init(&s.started, 0, 0);
	sem_init(&s.done, 0, 0);
	sigaction(SIGUSR1, &act, &old); /* no SA_RESTART */
	check_threads(2, slow_pipe_thread, &s);
	sigaction(SIGUSR1, &old, NULL);
	CU_ASSERT_EQUAL(s.err, 0);
	CU_ASSERT_TRUE(s.same);
	close(s.fds[0]);
	free(s.text);
}

static void write_refused(void)
{
	char buf[4096] = { 0 };
	int fds[2], err;

	CU_ASSERT_EQUAL(os_write(-1, "x", 1), -EBADF);
	CU_ASSERT_EQUAL(os_write(-1, "", 0), 0);
	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_NONBLOCK), 0);
	do {
		err = os_write(fds[1], buf, sizeof(buf));
	} while (!err);
	CU_ASSERT_EQUAL(err, -EAGAIN);

	while (read(fds[0], buf, sizeof(buf)) > 0)
		;
	os_fault_arm(1u << OS_WRITE, 1, false);
	CU_ASSERT_EQUAL(os_write(fds[1], "x", 1), -EIO);
	CU_ASSERT_EQUAL(os_write(fds[1], "y", 1), 0);
	CU_ASSERT_EQUAL(check_fired("write"), 1);
	CU_ASSERT(read(fds[0], buf, sizeof(buf)) == 1 && buf[0] == 'y');
	close(fds[0]);
	close(fds[1]);
}

static void read_file(void)
{
	char path[] = P_tmpdir "/percu-test-XXXXXX", buf[8];
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(os_write(fd, "1234567", 7), 0);
	errno = EDOM;
	CU_ASSERT_EQUAL(os_read_file(path, buf, sizeof(buf)), 7);
	CU_ASSERT_STRING_EQUAL(buf, "1234567");
	/* The '\0' has to fit as well. */
	CU_ASSERT_EQUAL(os_read_file(path, buf, 7), -E2BIG);
	CU_ASSERT_EQUAL(os_read_file("/", buf, sizeof(buf)), -EISDIR);
	os_fault_arm(1u << OS_OPEN, 1, false);
	CU_ASSERT_EQUAL(os_read_file(path, buf, sizeof(buf)), -EMFILE);
	CU_ASSERT_EQUAL(errno, EDOM);
	CU_ASSERT_EQUAL(check_fired("open"), 1);
	unlink(path);
	CU_ASSERT_EQUAL(os_read_file(path, buf, sizeof(buf)), -ENOENT);
	close(fd);
}

static const CU_TestInfo tests[] = {
	{ "a fault point fires at the n-th call and at no other",
	  fault_exactly_nth },
	{ "a fault point fires from the n-th call on", fault_forever },
	{ "a fault sets the errno of the call", fault_says_why },
	{ "threads share one count of calls", fault_threads },
	{ "the page size is the system's", page_size },
	{ "reservations are aligned", reserve_aligned },
	{ "reservations leave nothing behind", reserve_trims },
	{ "a refused reservation is NULL and ENOMEM", reserve_refuses },
	{ "commit makes memory, release makes zeroes", commit_release },
	{ "a failed page call has done nothing", page_faults },
	{ "maps read as zero, the zero map stays so", map_both },
	{ "mappings bear the library's name", map_named },
	{ "the clock is monotone and moves", clock_monotone },
	{ "a write is whole through signals and short writes", write_all },
	{ "a refused write says why", write_refused },
	{ "small files are read whole or not at all", read_file },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("sys", tests);
}
