/* SPDX-License-Identifier: MIT */
/*
 * tests/test_limit.c - little address space, no commits, no fence
 *
 * What a system refuses for good, by kind: address space (a limit on the
 * process, before it starts or while it runs), memory (overcommit off: a
 * commit is refused), the fence (a sandbox that forbids membarrier from some
 * moment on).  What can be had is used up, then given back, and again.
 */
#include <errno.h>
#include <percu/alloc.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tests/conserve.h"

enum {
	MANY = 4000
};

static const size_t limits_mib[] = { 2, 20, 40, 60, 80, 100, 150, 200, 300 };

static size_t address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	child_must(f && fscanf(f, "%lu", &pages) == 1);
	fclose(f);
	return pages * os_page_size();
}

/* The tools' own memory would be refused. */
static bool cannot_limit(void)
{
	if (!tool_any())
		return false;
	check_skip("the limit would hit the tool itself");
	return true;
}

/* All that there is of one size, thrice: about as much each time. */
static unsigned int use_up(size_t size)
{
	static void *block[MANY];
	unsigned int n, before = 0, many = tool_any() ? MANY / 2 : MANY;

	for (int turn = 0; turn < 3; turn++) {
		for (n = 0; n < many && (block[n] = percu_alloc(size)); n++)
			*(char *)block[n] = 'x';
		child_must(n == many || errno == ENOMEM);
		/* Descriptors of one size do not serve another. */
		child_must(n + n / 16 + 1 >= before);
		before = n;
		child_must(all_conserve());
		if (n) { /* the hole that one leaves is found */
			percu_free(block[n / 2]);
			child_must((block[n / 2] = percu_alloc(size)));
		}
		for (unsigned int i = 0; i < n; i++)
			percu_free(block[i]);
		percu_age();
		percu_age();
	}
	/* The tests want to know whether there was an end. */
	return before == many ? MANY : before;
}

static void nothing_left(void)
{
	for (int i = 0; i < 4; i++)
		percu_age();
	child_must(!memstats().alloc && !memstats().heap_inuse);
	child_must(all_conserve());
}

static void limit_child(void *arg)
{
	size_t room = *(size_t *)arg * MIB;
	struct rlimit lim = { address_space() + room, RLIM_INFINITY };
	struct percu_pool_attr attr = { .name = "limited", .size = 30000 };
	struct percu_pool *p;
	unsigned int n;
	void *obj;

	child_must(!setrlimit(RLIMIT_AS, &lim));
	n = use_up(200000);
	child_must(n <= room / 200000 && memstats().heap_sys <= room);
	/* From 20 MiB on an arena's descriptor and a smaller step fit. */
	child_must(room < 20 * MIB || n > 20);
	n = use_up(20000);
	child_must(room < 20 * MIB || n > 200);
	p = percu_pool_create(&attr);
	child_must(p || errno == ENOMEM);
	if (p && (obj = percu_pool_get(p)))
		percu_pool_put(p, obj);
	child_must(!p || !percu_pool_destroy(p));
	nothing_left();
}

static void limit_later(void)
{
	size_t *room = shared(sizeof(*room));

	if (cannot_limit())
		return;
	for (size_t i = 0; i < sizeof(limits_mib) / sizeof(size_t); i++) {
		*room = limits_mib[i];
		CU_ASSERT_TRUE(child_ok(limit_child, room));
	}
	munmap(room, sizeof(*room));
}

/* With the limit there before the library is. */
#define LIMIT_VARIABLE "PERCU_TEST_LIMITED"

static int limited_main(void)
{
	void *p = percu_alloc(100), *q = percu_alloc(1 << 20);

	child_must((p && q) || errno == ENOMEM);
	percu_free(p);
	percu_free(q);
	if (use_up(200000))
		child_must(p);
	nothing_left();
	return 42;
}

static void limited_child(void *arg)
{
	struct rlimit lim = { *(size_t *)arg * MIB, RLIM_INFINITY };
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	child_must(n > 0);
	exe[n] = '\0';
	setenv(LIMIT_VARIABLE, "1", 1);
	child_must(!setrlimit(RLIMIT_AS, &lim));
	execl(exe, exe, (char *)NULL);
	_exit(127);
}

static void limit_before(void)
{
	char out[1024];
	unsigned int ran = 0, small = 0;

	if (cannot_limit())
		return;
	for (size_t mib = 4; mib <= 300; mib += mib < 64 ? 2 : 30) {
		int status = check_fork(limited_child, &mib, out, sizeof(out));

		if (WIFEXITED(status) && WEXITSTATUS(status) == 42) {
			ran++;
			continue;
		}
		/* Too small for exec or for the loader, until it is not. */
		small++;
		CU_ASSERT_EQUAL(ran, 0);
		CU_ASSERT_PTR_NULL(strstr(out, "percu: "));
		CU_ASSERT_PTR_NULL(strstr(out, "test_limit.c"));
	}
	printf("(too small for the program: %u, ran in: %u) ", small, ran);
	CU_ASSERT_TRUE(ran > 5);
}

/* Calls that are refused for good after the first few. */
struct refusal {
	enum os_call call;
	unsigned long nth;
};

static void refused_child(void *arg)
{
	const struct refusal *r = arg;
	unsigned int n;

	os_fault_arm(1u << r->call, r->nth, true);
	n = use_up(100000);
	child_must(n < MANY && os_fault_fired());
	child_must((n > 0) == (r->nth > 1));
	n = use_up(100);
	child_must(n || r->nth == 1);
	os_fault_disarm();
	child_must(use_up(100) == MANY && use_up(100000) == MANY);
	nothing_left();
}

static void refused(enum os_call call)
{
	/* A reservation may be two calls, until one happens to be aligned. */
	static const unsigned long nths[] = { 1, 3, 5 };

	for (size_t i = 0; i < sizeof(nths) / sizeof(nths[0]); i++) {
		struct refusal r = { call, nths[i] };

		if (r.nth < 5 || !tool_any())
			CU_ASSERT_TRUE(child_ok(refused_child, &r));
	}
}

static void commit_refused(void)
{
	refused(OS_COMMIT);
}

static void reserve_refused(void)
{
	refused(OS_RESERVE);
}

/* The fence. ---------------------------------------------------------------- */

static unsigned int ndtor;

static void count_dtor(void *obj, void *arg)
{
	(void)obj;
	(void)arg;
	ndtor++;
}

static void fence_child(void *arg)
{
	struct percu_pool_attr attr = { .name = "unfenced",
					.size = 64,
					.dtor = count_dtor };
	struct percu_pool *p = percu_pool_create(&attr);
	struct percu_pool_stats st;
	static void *block[MANY];
	void *objs[10];
	size_t cached;
	int n;

	(void)arg;
	child_must(p && percu_pool_get_bulk(p, objs, 10) == 10);
	percu_pool_put_bulk(p, objs, 10);
	cached = stats_of(p).cached;
	os_fault_arm(1u << OS_MEMBARRIER, 1, true);
	/* Nothing may be concluded of what is on a CPU: it stays there. */
	for (int i = 0; i < 5; i++) {
		percu_pool_age(p);
		percu_pool_shrink(p);
		percu_age();
	}
	st = stats_of(p);
	child_must(st.cached == cached && !st.destroyed && !ndtor);
	child_must(os_fault_fired() >= 15);
	/* It works on, with the very objects; and cannot end. */
	child_must(percu_pool_get_bulk(p, objs, 10) == 10);
	child_must(stats_of(p).misses == st.misses);
	percu_pool_put_bulk(p, objs, 10);
	child_must(percu_pool_destroy(p) == -EPERM);
	child_must((objs[0] = percu_pool_get(p)));
	child_must(percu_pool_destroy(p) == -EPERM);
	/* A get that is about to fail cannot gather, and says so. */
	os_fault_arm(1u << OS_MEMBARRIER | 1u << OS_COMMIT | 1u << OS_RESERVE |
			     1u << OS_MAP,
		     1, true);
	for (n = 0; n < MANY && (block[n] = percu_alloc(30000)); n++)
		;
	child_must(n < MANY && errno == ENOMEM);
	while (n)
		percu_free(block[--n]);
	os_fault_disarm();
	percu_pool_put(p, objs[0]);
	percu_pool_shrink(p);
	child_must(!stats_of(p).cached && ndtor == stats_of(p).created);
	child_must(!percu_pool_destroy(p));
	nothing_left();
}

static void fence_refused(void)
{
	percu_mode();
	if (!cpu_info.rseq)
		check_skip("the lock path has no fence");
	else
		CU_ASSERT_TRUE(child_ok(fence_child, NULL));
}

/* The child has all, and works. */
static void fork_grandchild(void *arg)
{
	percu_free(arg);
	os_fault_disarm();
	nothing_left();
}

static void fork_child(void *arg)
{
	void *p = percu_alloc(100);
	char out[512];

	(void)arg;
	child_must(p);
	os_fault_arm(1u << OS_MEMBARRIER, 1, true);
	child_must(!check_fork(fork_grandchild, p, out, sizeof(out)));
	percu_free(p);
	os_fault_disarm();
	nothing_left();
}

static void fork_unfenced(void)
{
	CU_ASSERT_TRUE(child_ok(fork_child, NULL));
}

static const CU_TestInfo tests[] = {
	{ "address space is limited while it runs", limit_later },
	{ "address space is limited before it starts", limit_before },
	{ "no more memory for address space", commit_refused },
	{ "no more address space", reserve_refused },
	{ "no more fences", fence_refused },
	{ "fork without a fence", fork_unfenced },
	CU_TEST_INFO_NULL
};

int main(void)
{
	if (getenv(LIMIT_VARIABLE))
		return limited_main();
	percu_mode();
	return check_main("limit", tests);
}
