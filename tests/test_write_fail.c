/* SPDX-License-Identifier: MIT */
/*
 * tests/test_write_fail.c - percu_stats_write() where it cannot write
 *
 * Errors, no memory, a slow reader at the other end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <percu/alloc.h>
#include <percu/stats.h>

#include "sys/os.h"
#include "tests/check.h"
#include "tests/pools.h"

static struct percu_pool *pool;
static void *held;

static void begin(void)
{
	const struct percu_pool_attr attr = { .name = "written", .size = 48 };

	pool = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	held = percu_pool_get(pool);
	/* Enough classes in use for more than one write. */
	for (size_t size = 8; size <= 32768; size += size / 4 + 8)
		percu_free(percu_alloc(size));
}

static void end(void)
{
	percu_pool_put(pool, held);
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
	ASSERT_POOLS_HOLD(0);
}

static void formats_unknown(void)
{
	int fd = open("/dev/null", O_WRONLY);

	CU_ASSERT_EQUAL(percu_stats_write(fd, (enum percu_stats_format)4),
			-EINVAL);
	CU_ASSERT_EQUAL(percu_stats_write(fd, (enum percu_stats_format)99),
			-EINVAL);
	CU_ASSERT_EQUAL(percu_stats_write(fd, (enum percu_stats_format) - 1),
			-EINVAL);
	close(fd);
}

/* Law: what write() says is returned: at the first write and at any later. */
static void errors_returned(void)
{
	int full = open("/dev/full", O_WRONLY),
	    null = open("/dev/null", O_WRONLY);
	int closed = open("/dev/null", O_WRONLY);
	unsigned long writes;

	close(closed);
	begin();
	for (int fmt = PERCU_STATS_TEXT; fmt <= PERCU_STATS_SLABINFO; fmt++) {
		enum percu_stats_format f = (enum percu_stats_format)fmt;

		CU_ASSERT_EQUAL(percu_stats_write(closed, f), -EBADF);
		CU_ASSERT_EQUAL(percu_stats_write(-1, f), -EBADF);
		if (full >= 0)
			CU_ASSERT_EQUAL(percu_stats_write(full, f), -ENOSPC);
		os_fault_arm(1u << OS_WRITE, 0, false);
		CU_ASSERT_EQUAL(percu_stats_write(null, f), 0);
		writes = os_fault_seen();
		CU_ASSERT(writes > 0);
		for (unsigned long n = 1; n <= writes; n++) {
			os_fault_arm(1u << OS_WRITE, n, false);
			CU_ASSERT_EQUAL(percu_stats_write(null, f), -EIO);
			CU_ASSERT_EQUAL(os_fault_fired(), 1);
		}
		os_fault_disarm();
		printf("(%lu writes) ", writes);
	}
	end();
	close(null);
	if (full >= 0)
		close(full);
}

/* Law: writing allocates nothing. */
static void allocates_nothing(void)
{
	int null = open("/dev/null", O_WRONLY);
	struct percu_memstats a, b;

	begin();
	percu_memstats(&a);
	os_fault_arm(1u << OS_MAP | 1u << OS_RESERVE | 1u << OS_COMMIT, 1,
		     true);
	for (int fmt = PERCU_STATS_TEXT; fmt <= PERCU_STATS_SLABINFO; fmt++)
		CU_ASSERT_EQUAL(percu_stats_write(null,
						  (enum percu_stats_format)fmt),
				0);
	CU_ASSERT_EQUAL(os_fault_seen(), 0);
	os_fault_disarm();
	percu_memstats(&b);
	CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
	end();
	close(null);
}

/* Law: it stops nobody: a reader that is slow, pools that end meanwhile. */
static struct slow {
	int fd;
	bool done;                            /* (a) */
	unsigned long rounds, bad, unwritten; /* of one thread each */
} slow;

static void slow_thread(unsigned int i, void *arg)
{
	const struct percu_pool_attr attr = { .size = 64 };
	char buf[512];

	(void)arg;
	if (i == 0) {
		for (int k = 0; k < (check_short() ? 10 : 100); k++)
			slow.unwritten +=
				percu_stats_write(
					slow.fd,
					(enum percu_stats_format)(k % 4)) != 0;
		__atomic_store_n(&slow.done, true, __ATOMIC_RELEASE);
		close(slow.fd);
	} else if (i == 1) {
		/* The other end of the pipe, drop by drop. */
		while (read(*(int *)arg, buf, sizeof(buf)) > 0)
			;
	} else {
		while (!__atomic_load_n(&slow.done, __ATOMIC_ACQUIRE)) {
			struct percu_pool *p = percu_pool_create(&attr);

			percu_pool_put(p, percu_pool_get(p));
			percu_pool_age(p);
			slow.bad += percu_pool_destroy(p) != 0;
			slow.rounds++;
		}
	}
}

static void stops_nobody(void)
{
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	memset(&slow, 0, sizeof(slow));
	slow.fd = fds[1];
	check_threads(3, slow_thread, fds);
	close(fds[0]);
	printf("(%lu pools meanwhile) ", slow.rounds);
	CU_ASSERT_EQUAL(slow.bad, 0);
	CU_ASSERT_EQUAL(slow.unwritten, 0);
	ASSERT_POOLS_HOLD(0);
}

static const CU_TestInfo tests[] = {
	{ "an unknown format is EINVAL", formats_unknown },
	{ "errors of write() are returned", errors_returned },
	{ "writing allocates nothing", allocates_nothing },
	{ "writing stops nobody", stops_nobody },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("write_fail", tests);
}
