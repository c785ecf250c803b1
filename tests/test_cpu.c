/* SPDX-License-Identifier: MIT */
/*
 * tests/test_cpu.c - which record belongs to the calling thread
 *
 * What the mode must be is worked out here a second time, from what the C
 * library and the kernel say, so that the same program tests both paths: as
 * it is, under Valgrind, and with GLIBC_TUNABLES=glibc.pthread.rseq=0.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/cpu.h"
#include "sys/os.h"
#include "sys/report.h"
#include "tests/check.h"

#if defined(__x86_64__) && defined(__LP64__) && __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#define HAVE_RSEQ 1
#endif

/* This thread's struct rseq, or NULL where it is not registered. */
static volatile uint32_t *rseq_area(void)
{
#ifdef HAVE_RSEQ
	volatile uint32_t *area;

	area = (volatile uint32_t *)((char *)__builtin_thread_pointer() +
				     __rseq_offset);
	if (__rseq_size && (int32_t)area[1] >= 0)
		return area;
#endif
	return NULL;
}

static const char *expected_mode(void)
{
	int cmds = (int)syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	if (!rseq_area() || cmds < 0 ||
	    !(cmds & MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ))
		return "lock";
	return getauxval(27 /* AT_RSEQ_FEATURE_SIZE */) >= 28 ? "rseq/mm_cid" :
								"rseq/cpu_id";
}

static void parse_lists(void)
{
	static const struct {
		const char *list;
		uint32_t end;
	} cases[] = {
		{ "0\n", 1 },
		{ "0", 1 },
		{ "0-1\n", 2 },
		{ "0-127\n", 128 },
		{ "0-3,8-11\n", 12 },
		{ "8-11,0-3\n", 12 },
		{ "0,2,4,6", 7 },
		{ "64-65535", 65536 },
		{ "", 0 },
		{ "\n", 0 },
		{ "-1", 0 },
		{ "0-", 0 },
		{ "0,", 0 },
		{ "0--1", 0 },
		{ "all", 0 },
		{ "0-3 ", 0 },
		{ "0x10", 0 },
		{ "65536", 0 },
		{ "99999999999", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CU_ASSERT_EQUAL(cpu_parse(cases[i].list), cases[i].end);
}

/* Law: there is an index for each CPU that is there, whatever the mode. */
static void check_possible(void)
{
	CU_ASSERT(cpu_info.possible >= 1);
	CU_ASSERT(cpu_info.possible >= (uint32_t)sysconf(_SC_NPROCESSORS_ONLN));
}

static void mode_plain(void)
{
	errno = EDOM;
	cpu_init(false);
	CU_ASSERT_EQUAL(errno, EDOM);
	printf("(%s, %u possible) ", cpu_mode(), cpu_info.possible);
	CU_ASSERT_STRING_EQUAL(cpu_mode(), expected_mode());
	check_possible();
}

static void mode_forced(void)
{
	cpu_init(true);
	CU_ASSERT_STRING_EQUAL(cpu_mode(), "lock");
	CU_ASSERT_FALSE(cpu_info.rseq || cpu_info.mm_cid);
	check_possible();
	CU_ASSERT(cpu_index() < cpu_info.possible);
	os_fault_arm(1u << OS_MEMBARRIER, 1, true);
	CU_ASSERT_EQUAL(cpu_fence(), 0);
	CU_ASSERT_EQUAL(check_fired("membarrier"), 0);
	cpu_init(false);
}

/* This program again, in the environment of that child: main() has the rest. */
static void exec_mode(void *tunables)
{
	char self[4096] = "", mode[] = "--mode";
	char *argv[] = { self, mode, NULL };

	/* Under Valgrind the link itself leads to Valgrind. */
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		_exit(1);
	setenv("GLIBC_TUNABLES", tunables, 1);
	execv(self, argv);
	_exit(1);
}

static void mode_without_rseq(void)
{
	char off[] = "glibc.pthread.rseq=0", on[] = "glibc.pthread.rseq=1",
	     out[256];

	CU_ASSERT_EQUAL(check_fork(exec_mode, off, out, sizeof(out)), 0);
	CU_ASSERT_STRING_EQUAL(out, "lock\n");
	CU_ASSERT_EQUAL(check_fork(exec_mode, on, out, sizeof(out)), 0);
	if (!rseq_area())
		return; /* and so not under Valgrind, which did not exec */
	out[strcspn(out, "\n")] = '\0';
	CU_ASSERT_STRING_EQUAL(out, expected_mode());
}

/* The question, the registration and the trial: any can be refused. */
static void mode_without_fence(void)
{
	unsigned long calls = rseq_area() ? 3 : 0;

	os_fault_arm(1u << OS_MEMBARRIER, 0, false);
	cpu_init(false);
	CU_ASSERT_EQUAL(os_fault_seen(), calls);
	for (unsigned long nth = 1; nth <= calls; nth++) {
		os_fault_arm(1u << OS_MEMBARRIER, nth, false);
		cpu_init(false);
		CU_ASSERT_EQUAL(check_fired("membarrier"), 1);
		CU_ASSERT_STRING_EQUAL(cpu_mode(), "lock");
		CU_ASSERT(cpu_index() < cpu_info.possible);
	}
	cpu_init(false);
	CU_ASSERT_STRING_EQUAL(cpu_mode(), expected_mode());
}

/* Without /sys there may seem to be more CPUs, and never fewer. */
static void mode_without_sysfs(void)
{
	uint32_t possible;

	cpu_init(false);
	possible = cpu_info.possible;
	os_fault_arm(1u << OS_OPEN, 1, true);
	cpu_init(false);
	CU_ASSERT_EQUAL(check_fired("open"), 1);
	CU_ASSERT(cpu_info.possible >= possible);
	CU_ASSERT_STRING_EQUAL(cpu_mode(), expected_mode());
	printf("(%u, not %u) ", cpu_info.possible, possible);
	check_possible();
	cpu_init(false);
	CU_ASSERT_EQUAL(cpu_info.possible, possible);
}

static void index_thread(unsigned int i, void *arg)
{
	const int rounds = check_short() ? 2000 : 20000;
	unsigned long *bad = arg;
	uint32_t index;

	for (int n = 0; n < rounds; n++) {
		index = cpu_index();
		bad[i] += index >= cpu_info.possible;
		if (n % 64 == 0)
			sched_yield();
	}
}

static void index_bounded(void)
{
	unsigned long bad[8] = { 0 };

	for (int force = 0; force < 2; force++) {
		cpu_init(force);
		check_threads(8, index_thread, bad);
		for (int i = 0; i < 8; i++)
			CU_ASSERT_EQUAL(bad[i], 0);
	}
	cpu_init(false);
}

/* Indexed by CPU, a pinned thread has the CPU's own record. */
static void index_pinned(void)
{
	cpu_set_t old, one;
	int pinned = 0;

	cpu_init(false);
	cpu_info.mm_cid = false;
	cpu_info.index_off = 4; /* cpu_id */
	CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof(old), &old), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &old))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one))
			continue;
		pinned++;
		CU_ASSERT_EQUAL(cpu_index(), (uint32_t)cpu);
	}
	CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof(old), &old), 0);
	CU_ASSERT(pinned > 0);
	if (cpu_info.rseq)
		CU_ASSERT_STRING_EQUAL(cpu_mode(), "rseq/cpu_id");
	cpu_init(false);
}

#ifdef HAVE_RSEQ
static void *unregister_thread(void *arg)
{
	long *ret = arg;
	uint32_t *area = (uint32_t *)((char *)__builtin_thread_pointer() +
				      __rseq_offset);

	for (unsigned int size = 32;
	     size <= 256 && (*ret = syscall(SYS_rseq, area, size,
					    RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
	     size += 4)
		;
	if (*ret)
		return NULL;
	/* By both kinds of index: mm_cid alone would read as record 0. */
	ret[1] = cpu_index();
	cpu_info.index_off = 4;
	ret[2] = cpu_index();
	return NULL;
}

static void index_unregistered(void)
{
	long ret[3] = { -1, 0, 0 };
	pthread_t id;

	cpu_init(false);
	if (!cpu_info.rseq) {
		check_skip("no rseq");
		return;
	}
	CU_ASSERT_EQUAL_FATAL(pthread_create(&id, NULL, unregister_thread, ret),
			      0);
	pthread_join(id, NULL);
	CU_ASSERT_EQUAL(ret[0], 0);
	CU_ASSERT_EQUAL(ret[1], UINT32_MAX);
	CU_ASSERT_EQUAL(ret[2], UINT32_MAX);
	cpu_init(false);
	CU_ASSERT(cpu_index() < cpu_info.possible);
}
#else
static void index_unregistered(void)
{
	check_skip("no rseq");
}
#endif

/* Refused once it registers again and gets through; for ever, it says so. */
static void fence_refused(void)
{
	cpu_init(false);
	errno = EDOM;
	CU_ASSERT_EQUAL(cpu_fence(), 0);
	if (!cpu_info.rseq) {
		check_skip("no rseq");
		return;
	}
	os_fault_arm(1u << OS_MEMBARRIER, 1, false);
	CU_ASSERT_EQUAL(cpu_fence(), 0);
	CU_ASSERT_EQUAL(os_fault_seen(), 3);
	CU_ASSERT_EQUAL(check_fired("once"), 1);
	for (unsigned long nth = 1; nth <= 2; nth++) {
		os_fault_arm(1u << OS_MEMBARRIER, nth, true);
		CU_ASSERT_EQUAL(cpu_fence(), nth == 1 ? -EPERM : 0);
		CU_ASSERT_EQUAL(check_fired("for ever"), nth == 1 ? 2 : 0);
	}
	CU_ASSERT_EQUAL(errno, EDOM);
	CU_ASSERT_EQUAL(cpu_fence(), 0);
}

static void fence_idle(unsigned int i, void *arg)
{
	(void)i;
	usleep(1000);
	if (cpu_fence())
		*(volatile int *)arg = 1;
}

/* Two threads, so that the kernel cannot take its short cut. */
static void fence_child(void *arg)
{
	int failed = 0;

	check_threads(2, fence_idle, &failed);
	dprintf(STDERR_FILENO, "%s %d", cpu_mode(), failed);
	(void)arg;
}

static void fence_after_fork(void)
{
	char out[64], want[64];

	cpu_init(false);
	CU_ASSERT_EQUAL(check_fork(fence_child, NULL, out, sizeof(out)), 0);
	snprintf(want, sizeof(want), "%s 0", expected_mode());
	CU_ASSERT_STRING_EQUAL(out, want);
}

static volatile int fence_x, fence_y;
static volatile unsigned int fence_round, fence_done;
static volatile int fence_saw;

/*
 * The cheap side of Dekker's pattern: a store and a load, and only a compiler
 * barrier in between.
 */
static void *fence_light(void *arg)
{
	unsigned int rounds = *(unsigned int *)arg;

	for (unsigned int r = 1; r <= rounds; r++) {
		while (__atomic_load_n(&fence_round, __ATOMIC_ACQUIRE) != r)
			;
		__atomic_store_n(&fence_x, 1, __ATOMIC_RELAXED);
		__asm__ volatile("" ::: "memory");
		fence_saw = __atomic_load_n(&fence_y, __ATOMIC_RELAXED);
		__atomic_store_n(&fence_done, r, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Law: of a cheap store-load and a store-fence-load, one sees the other. */
static void fence_orders(void)
{
	unsigned int rounds = check_short() ? 2000 : 10000, missed = 0;
	pthread_t id;
	int saw;

	cpu_init(false);
	if (!cpu_info.rseq) {
		check_skip("no rseq");
		return;
	}
	CU_ASSERT_EQUAL_FATAL(pthread_create(&id, NULL, fence_light, &rounds),
			      0);
	for (unsigned int r = 1; r <= rounds; r++) {
		fence_x = fence_y = 0;
		__atomic_store_n(&fence_round, r, __ATOMIC_RELEASE);
		__atomic_store_n(&fence_y, 1, __ATOMIC_RELAXED);
		cpu_fence();
		saw = __atomic_load_n(&fence_x, __ATOMIC_RELAXED);
		while (__atomic_load_n(&fence_done, __ATOMIC_ACQUIRE) != r)
			;
		missed += !saw && !fence_saw;
	}
	pthread_join(id, NULL);
	CU_ASSERT_EQUAL(missed, 0);
}

static const CU_TestInfo tests[] = {
	{ "lists of CPUs are parsed", parse_lists },
	{ "the mode is what the machine allows", mode_plain },
	{ "the lock path can be forced", mode_forced },
	{ "without glibc's registration the lock path is taken",
	  mode_without_rseq },
	{ "without membarrier the lock path is taken", mode_without_fence },
	{ "without /sys the ids are still bounded", mode_without_sysfs },
	{ "an index is below possible", index_bounded },
	{ "a pinned thread has its CPU's index", index_pinned },
	{ "an unregistered thread has no index", index_unregistered },
	{ "a refused fence registers again, once", fence_refused },
	{ "a forked child has its fence", fence_after_fork },
	{ "a fence orders against a compiler barrier", fence_orders },
	CU_TEST_INFO_NULL
};

int main(int argc, char **argv)
{
	report_init();
	if (argc == 2 && !strcmp(argv[1], "--mode")) {
		cpu_init(false);
		dprintf(STDERR_FILENO, "%s\n", cpu_mode());
		return 0;
	}
	return check_main("cpu", tests);
}
