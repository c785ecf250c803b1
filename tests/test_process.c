/* SPDX-License-Identifier: MIT */
/*
 * tests/test_process.c - what a process does to its threads
 *
 * Threads that end with objects cached, and threads that are moved from CPU to
 * CPU in the middle of everything.  The cache belongs to the CPU: the end of a
 * thread costs nothing and loses nothing, whatever the number of threads.
 */
#include <errno.h>
#include <percu/alloc.h>
#include <sched.h>
#include <stdlib.h>

#include "tests/hammer.h"

/* Threads that come and go. ------------------------------------------------- */

enum {
	AT_ONCE = 16,
	PER_THREAD = 100,
};

static struct percu_pool *pool;

static void *short_life(void *arg)
{
	void *objs[PER_THREAD], *p[PER_THREAD];
	size_t n = percu_pool_get_bulk(pool, objs, PER_THREAD);

	(void)arg;
	for (size_t i = 0; i < n; i++) {
		p[i] = percu_alloc(1 + i * 30);
		memset(objs[i], 1, 64);
	}
	for (size_t i = 0; i < n; i++) {
		percu_free(p[i]);
		percu_pool_put(pool, objs[i]);
	}
	return n == PER_THREAD ? NULL : (void *)pool;
}

/* One block of the thread that ends is left to who comes after it. */
static void *legacy(void *arg)
{
	short_life(arg);
	return percu_alloc(200);
}

static size_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size, pages = 0;

	CU_ASSERT_FATAL(f && fscanf(f, "%lu %lu", &size, &pages) == 2);
	fclose(f);
	return pages * os_page_size();
}

static unsigned int generations(unsigned int n)
{
	pthread_t id[AT_ONCE];
	unsigned int failed = 0;
	void *ret;

	for (unsigned int i = 0; i < n; i += AT_ONCE) {
		for (unsigned int j = 0; j < AT_ONCE; j++)
			CU_ASSERT_FATAL(!pthread_create(
				&id[j], NULL, j ? short_life : legacy, NULL));
		for (unsigned int j = 0; j < AT_ONCE; j++) {
			pthread_join(id[j], &ret);
			if (!j)
				percu_free(ret);
			failed += !j ? !ret : !!ret;
		}
	}
	return failed;
}

static void thread_exit(void)
{
	const struct percu_pool_attr attr = { .name = "churned", .size = 64 };
	unsigned int n = !check_short() ? 10000 : tool_any() ? 160 : 2000;
	struct percu_pool_stats st;
	size_t sys, rss, grown;

	pool = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	CU_ASSERT_EQUAL(generations(n / 10), 0);
	sys = memstats().sys;
	rss = resident();
	CU_ASSERT_EQUAL(generations(n), 0);
	grown = resident() > rss ? resident() - rss : 0;
	printf("(%u threads: %zu KiB more) ", n, grown >> 10);
	/* How many are at it at once varies, and what they need with it. */
	CU_ASSERT_TRUE(memstats().sys <= sys + 2 * MIB);
	if (!tool_any())
		CU_ASSERT_TRUE(grown < 2 * MIB);
	st = stats_of(pool);
	CU_ASSERT_EQUAL(st.gets, (uint64_t)(n + n / 10 / AT_ONCE * AT_ONCE +
					    (n / 10 % AT_ONCE ? AT_ONCE : 0)) *
					 PER_THREAD);
	CU_ASSERT_EQUAL(st.puts, st.gets);
	CU_ASSERT_TRUE(all_conserve());
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
}

/* Threads that are moved. ----------------------------------------------------- */

static struct hammer hammer;
static unsigned long moves;

static cpu_set_t allowed(void)
{
	cpu_set_t set;

	CU_ASSERT_FATAL(!sched_getaffinity(0, sizeof(set), &set));
	return set;
}

/* One of the CPUs in set. */
static cpu_set_t one_of(const cpu_set_t *set, struct check_rand *r)
{
	int nth = (int)check_rand_below(r, (uint32_t)CPU_COUNT(set)), cpu = 0;
	cpu_set_t one;

	while (!CPU_ISSET(cpu, set) || nth--)
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return one;
}

static void storm(void)
{
	struct check_rand r = { check_seed() };
	cpu_set_t all = allowed();
	unsigned long want = !check_short() ? 40000 : tool_any() ? 100 : 5000;

	if (CPU_COUNT(&all) < 2) {
		check_skip("there is one CPU");
		return;
	}
	hammer_start(&hammer);
	for (moves = 0; moves < want; moves++) {
		cpu_set_t one = one_of(&all, &r);

		CU_ASSERT_FATAL(!pthread_setaffinity_np(
			hammer.id[check_rand_below(&r, HAMMER_THREADS)],
			sizeof(one), &one));
		/* Let them work where they are now. */
		if (moves % 64 == 0)
			usleep(200);
	}
	hammer_stop(&hammer);
}

/* A thread that moves itself between any two steps, and knows when it did. */
static _Atomic unsigned long migrations;
static cpu_set_t all_cpus;

static void wander(unsigned int i, void *arg)
{
	struct check_rand r = { check_seed() + i };
	unsigned int n = *(unsigned int *)arg;
	void *held[8] = { NULL };
	int before, now = -1;

	for (unsigned int step = 0; step < n; step++) {
		uint32_t k = check_rand_below(&r, 8);
		cpu_set_t one = one_of(&all_cpus, &r);

		if (held[k])
			percu_pool_put(pool, held[k]);
		sched_setaffinity(0, sizeof(one), &one);
		held[k] = percu_pool_get(pool);
		before = now;
		now = sched_getcpu();
		migrations += before >= 0 && before != now;
	}
	for (unsigned int k = 0; k < 8; k++)
		percu_pool_put(pool, held[k]);
}

static void wanderers(void)
{
	const struct percu_pool_attr attr = { .name = "wandered", .size = 40 };
	unsigned int n = !check_short() ? 30000 : tool_any() ? 100 : 3000;
	struct percu_pool_stats st;

	all_cpus = allowed();
	if (CPU_COUNT(&all_cpus) < 2) {
		check_skip("there is one CPU");
		return;
	}
	pool = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	check_seed();
	check_threads(4, wander, &n);
	printf("(%lu migrations) ", migrations);
	CU_ASSERT_TRUE(migrations > n);
	st = stats_of(pool);
	CU_ASSERT_EQUAL(st.gets, 4ul * n);
	CU_ASSERT_EQUAL(st.puts, 4ul * n);
	CU_ASSERT_TRUE(all_conserve());
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
}

static const CU_TestInfo tests[] = {
	{ "threads that end with objects cached", thread_exit },
	{ "threads that others move from CPU to CPU", storm },
	{ "threads that move themselves", wanderers },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("process", tests);
}
