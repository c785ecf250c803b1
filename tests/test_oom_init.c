/* SPDX-License-Identifier: MIT */
/*
 * tests/test_oom_init.c - the library sets itself up on a system that refuses
 *
 * See tests/oom.h.  Each try is a program of its own, which arms the faults
 * before the library's constructor runs.
 *
 * Law: percu works, with locks where what sequences need was refused, or says
 * that there is no memory; and when the system relents nothing is left over.
 */
#include <stdlib.h>
#include <urcu/urcu-bp.h>

#include "tests/oom.h"

#define INIT_VARIABLE "PERCU_TEST_INIT"

/*
 * In a program that was started for it: the library's constructor has the
 * same priority and was linked later, so it comes after this one.
 */
__attribute__((constructor(101))) static void init_arm(void)
{
	const char *s = getenv(INIT_VARIABLE);

	if (!s)
		return;
	oom = mmap(NULL, sizeof(*oom), PROT_READ | PROT_WRITE, MAP_SHARED,
		   atoi(s), 0);
	if (oom != MAP_FAILED)
		arm();
}

/* Refused and served, with whatever init has made of it. */
static void init_use(void)
{
	struct percu_pool *pool = wanted(percu_pool_create(&attrs[4]));
	void *p = wanted(percu_alloc(100)), *q = wanted(percu_alloc(100000));
	void *obj = pool ? wanted(percu_pool_get(pool)) : NULL;

	percu_age();
	give_block(p);
	give_block(q);
	if (pool)
		give_object(pool, obj);
	if (pool)
		end(pool);
}

/*
 * Of the classes there are blocks all the same.  One is retired while there is
 * no memory for the dummy still, so that its pool has nothing to retire with.
 */
static void crippled_use(void)
{
	void *p = percu_alloc(100);

	if (!p)
		return;
	os_fault_arm(1 << OS_MAP, 1, true);
	percu_free_rcu_flavor(p, &urcu_bp_flavor);
	child_must(pools.crippled && os_fault_fired());
	percu_barrier();
	child_must(!memstats().deferred && !memstats().alloc);
	for (int c = 0; c < NR_CLASSES; c++)
		child_must(!class_pool[c].left);
	oom->crippled++;
}

static int init_main(void)
{
	if (pools.crippled && !oom->forever)
		crippled_use();
	snprintf(oom->mode, sizeof(oom->mode), "%s", percu_mode());
	init_use();
	disarm();
	works_and_leaves_nothing();
	oom->done = true;
	return 0;
}

static void init_child(void *arg)
{
	char exe[4096], fd[16];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	child_must(n > 0);
	exe[n] = '\0';
	snprintf(fd, sizeof(fd), "%d", *(int *)arg);
	setenv(INIT_VARIABLE, fd, 1);
	execl(exe, exe, (char *)NULL);
	child_must(!"exec");
}

/* The same structure, in memory that outlives exec. */
static void *exec_shared(int *fd)
{
	void *p;

	*fd = memfd_create("oom", 0);
	CU_ASSERT_FATAL(*fd >= 0 && !ftruncate(*fd, sizeof(*oom)));
	p = mmap(NULL, sizeof(*oom), PROT_READ | PROT_WRITE, MAP_SHARED, *fd,
		 0);
	CU_ASSERT_FATAL(p != MAP_FAILED);
	return p;
}

static void init_faults(void)
{
	unsigned int locked = 0;
	int fd;

	oom = exec_shared(&fd);
	for (int forever = 0; forever < 2; forever++) {
		oom->forever = forever;
		sweep(init_child, &fd, "init");
	}
	/* Among them the fence's three calls, and the dummy's mapping. */
	for (oom->nth = 1; oom->nth < 10; oom->nth++) {
		oom->forever = false;
		CU_ASSERT_TRUE(child_ok(init_child, &fd));
		locked += !strcmp(oom->mode, "lock");
	}
	printf("(%u of them: lock path) ", locked);
	CU_ASSERT_TRUE(locked > 0);
	CU_ASSERT_TRUE(oom->crippled > 0);
	munmap(oom, sizeof(*oom));
	close(fd);
	print_sum();
}

static const CU_TestInfo tests[] = { { "each call of init fails", init_faults },
				     CU_TEST_INFO_NULL };

int main(void)
{
	if (getenv(INIT_VARIABLE))
		return init_main();
	return check_main("oom_init", tests);
}
