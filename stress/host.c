// SPDX-License-Identifier: MIT
/*
 * stress/host.c - clock, CPUs, resident memory, threads
 *
 * The CPUs are those that the process may run on when it starts, which on a
 * shared host or in a container are fewer than there are.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "stress.h"

enum {
	TIDS = 512,
	HANDLER_STACK = 64 << 10,
};

static cpu_set_t allowed;
static pthread_once_t allowed_once = PTHREAD_ONCE_INIT;

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Through the signals of chaos. */
void sleep_ms(unsigned int ms)
{
	uint64_t until = now_ns() + ms * 1000000ull;
	struct timespec ts = { (time_t)(until / 1000000000u),
			       (long)(until % 1000000000u) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
	       EINTR)
		;
}

/* Fields 2 and 3 of /proc/self/statm, in pages: resident, of it files. */
static void statm(uint64_t *resident, uint64_t *files)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char line[128];
	ssize_t n;
	char *at;

	*resident = *files = 0;
	if (fd < 0)
		return;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	line[n > 0 ? n : 0] = '\0';
	at = strchr(line, ' ');
	if (!at)
		return;
	*resident = strtoull(at, &at, 10) * page;
	*files = strtoull(at, NULL, 10) * page;
}

uint64_t rss_bytes(void)
{
	uint64_t resident, files;

	statm(&resident, &files);
	return resident;
}

uint64_t rss_anonymous(void)
{
	uint64_t resident, files;

	statm(&resident, &files);
	return resident - files;
}

/* More CPUs than cpu_set_t holds: the first 1024 are enough for us. */
static void allowed_init(void)
{
	CPU_ZERO(&allowed);
	if (sched_getaffinity(0, sizeof(allowed), &allowed) ||
	    !CPU_COUNT(&allowed))
		for (int i = 0; i < CPU_SETSIZE; i++)
			CPU_SET(i, &allowed);
}

unsigned int nr_cpus(void)
{
	pthread_once(&allowed_once, allowed_init);
	return (unsigned int)CPU_COUNT(&allowed);
}

int cpu_nth(unsigned int n)
{
	n %= nr_cpus();
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &allowed) && !n--)
			return i;
	return -1;
}

/* False: the CPU went away meanwhile, or the thread did. */
bool cpu_pin(int tid, int cpu)
{
	cpu_set_t one;

	pthread_once(&allowed_once, allowed_init);
	CPU_ZERO(&one);
	if (cpu >= 0)
		CPU_SET(cpu, &one);
	return !sched_setaffinity(tid, sizeof(one), cpu < 0 ? &allowed : &one);
}

/* Threads that thread_start() started, for whoever wants to disturb one. */
static atomic_int tids[TIDS];

static int tid_enter(void)
{
	int tid = (int)syscall(SYS_gettid);

	for (int i = 0; i < TIDS; i++) {
		int none = 0;

		if (!atomic_load_explicit(&tids[i], memory_order_relaxed) &&
		    atomic_compare_exchange_strong(&tids[i], &none, tid))
			return i;
	}
	return -1; /* it is left in peace */
}

int thread_any(struct rng *r)
{
	uint32_t from = rng_below(r, TIDS);

	for (uint32_t i = 0; i < TIDS; i++) {
		int tid = atomic_load(&tids[(from + i) % TIDS]);

		if (tid)
			return tid;
	}
	return 0;
}

unsigned int thread_list(int *list, unsigned int most)
{
	unsigned int n = 0;

	for (int i = 0; i < TIDS && n < most; i++) {
		list[n] = atomic_load(&tids[i]);
		n += list[n] != 0;
	}
	return n;
}

struct start {
	void *(*fn)(void *);
	void *arg;
	struct part *part;
};

static void *started(void *arg)
{
	struct start s = *(struct start *)arg;
	char stack[HANDLER_STACK]; /* coroutines have little of their own */
	const stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	stack_t was = { .ss_flags = SS_DISABLE };
	int at = -1;

	free(arg);
	part_here = s.part;
	if (!sigaltstack(&ss, &was))
		at = tid_enter();
	arg = s.fn(s.arg);
	if (at >= 0)
		atomic_store(&tids[at], 0);
	/* Before the thread's end walks over this stack, and a tool frees its. */
	sigaltstack(&was, NULL);
	return arg;
}

void thread_start(pthread_t *t, void *(*fn)(void *), void *arg)
{
	struct start *s = must(malloc(sizeof(*s)));
	int err;

	*s = (struct start){ fn, arg, part_here };
	err = pthread_create(t, NULL, started, s);
	if (err)
		die("cannot start a thread: %s", strerror(err));
}
