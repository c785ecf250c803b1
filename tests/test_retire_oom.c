/* SPDX-License-Identifier: MIT */
/*
 * tests/test_retire_oom.c - retiring on a system that refuses
 *
 * As test_oom does it: each call to the system fails, one after the other, once
 * and for good from there on; pthread_create() and membarrier() among them.
 * Every try has a process of its own.
 *
 * Laws: retiring never fails, and never says that it did.  A barrier returns;
 * when it does, everything is put, unless the fence was refused for good.
 * Afterwards everything is in one place, and everything works.
 */
#include <errno.h>
#include <percu/alloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pool/retire.h"
#include "slab/meta.h"
#include "sys/os.h"
#include "tests/check.h"
#include "tests/conserve.h"
#include "tests/retire.h"

enum {
	EVERY_CALL = (1 << OS_NR_CALLS) - 1,
	NO_FENCE = 1 << OS_MEMBARRIER,
	MEMORY = 1 << OS_MAP | 1 << OS_COMMIT | 1 << OS_RESERVE,
	NOBJ = 700,
	ERRNO_OF_MINE = 77,
	QUIET = 3, /* tries without a fault, one after the other, are the end */
	NR_LEFT = 256,
};

/* In memory that the child shares. */
static struct attempt {
	unsigned int mask;
	unsigned long nth;
	bool forever, warm;
	unsigned long fired, left;
} * try;

/* What percu has laid in for its own records is used up. */
static void eat_meta(void)
{
	for (size_t size = 4096; size >= 8; size /= 2)
		while (meta_alloc(size))
			;
}

static void arm(void)
{
	os_fault_arm(try->mask, try->nth, try->forever);
	if (try->forever && try->nth == 1 && try->mask & 1 << OS_MAP)
		eat_meta();
}

static void disarm(void)
{
	os_fault_disarm();
	try->fired += os_fault_fired();
}

static void retire(struct percu_pool *p, void *obj,
		   const struct rcu_flavor_struct *flavor)
{
	errno = ERRNO_OF_MINE;
	percu_pool_put_rcu_flavor(p, obj, flavor);
	child_must(errno == ERRNO_OF_MINE);
}

static struct percu_pool *plain(size_t size)
{
	struct percu_pool *p = percu_pool_create(
		&(struct percu_pool_attr){ .name = "refused", .size = size });

	child_must(p);
	return p;
}

static void take(struct percu_pool *p, void **objs)
{
	child_must(percu_pool_get_bulk(p, objs, NOBJ) == NOBJ);
}

/*
 * Where the fence may be refused for good, what is elsewhere stays.  What is in
 * a record for which there is no magazine is put all the same.
 */
static void all_put(struct percu_pool *p)
{
	percu_pool_barrier(p);
	if (!try->forever || !(try->mask & NO_FENCE) || !os_fault_fired())
		child_must(!stats_of(p).deferred);
}

static void end(struct percu_pool *p)
{
	disarm();
	try->left += p->left_in;
	percu_pool_barrier(p);
	child_must(!stats_of(p).deferred && !stats_of(p).outstanding);
	child_must(!percu_pool_destroy(p));
}

static void op_put(void)
{
	struct percu_pool *p = plain(64);
	void *objs[NOBJ];

	take(p, objs);
	if (try->warm) {
		retire(p, objs[0], &urcu_bp_flavor);
		percu_pool_barrier(p);
		objs[0] = percu_pool_get(p);
	}
	arm();
	for (int i = 0; i < NOBJ; i++)
		retire(p, objs[i], &urcu_bp_flavor);
	all_put(p);
	child_must(stats_of(p).puts_rcu == NOBJ + (uint64_t)try->warm);
	end(p);
}

/* A record that has spilled has no magazine left for what came after. */
static void op_barrier(void)
{
	struct percu_pool *p = plain(64);
	void *objs[NOBJ];

	take(p, objs);
	for (int i = 0; i < NOBJ; i++)
		retire(p, objs[i], &urcu_bp_flavor);
	arm();
	all_put(p);
	child_must(stats_of(p).puts_rcu == NOBJ);
	end(p);
}

/* One magazine holds few of these. */
static void op_put_big(void)
{
	struct percu_pool *p = plain(40000);
	void *objs[NOBJ];
	int n = NOBJ / 5;

	for (int i = 0; i < n; i++)
		child_must((objs[i] = percu_pool_get(p)));
	arm();
	for (int i = 0; i < n; i++)
		retire(p, objs[i], &urcu_bp_flavor);
	all_put(p);
	child_must(stats_of(p).puts_rcu == (uint64_t)n);
	end(p);
}

static void op_two_flavors(void)
{
	struct percu_pool *p = plain(64);
	void *objs[NOBJ];

	take(p, objs);
	arm();
	for (int i = 0; i < NOBJ; i++)
		retire(p, objs[i], i % 2 ? &urcu_bp_flavor : &urcu_memb_flavor);
	all_put(p);
	child_must(stats_of(p).puts_rcu == NOBJ);
	end(p);
}

static void op_free(void)
{
	void *ptr[NOBJ];

	for (int i = 0; i < NOBJ; i++)
		child_must(
			(ptr[i] = percu_alloc(i % 50 ? 8u << i % 9 : 40000)));
	arm();
	for (int i = 0; i < NOBJ; i++) {
		errno = ERRNO_OF_MINE;
		percu_free_rcu_flavor(ptr[i], &urcu_bp_flavor);
		child_must(errno == ERRNO_OF_MINE);
	}
	percu_barrier();
	disarm();
	percu_barrier();
	child_must(!memstats().alloc && !memstats().deferred);
}

static unsigned long released;

static void count(void *obj, void *arg)
{
	child_must(!*(char *)obj && arg == &released);
	*(char *)obj = 1;
	released++;
}

static void op_release(void)
{
	struct percu_pool *p =
		release_pool_create("counts", 1, count, &released);
	static char objs[NOBJ];

	child_must(p);
	arm();
	for (int i = 0; i < NOBJ; i++)
		retire(p, &objs[i], &urcu_bp_flavor);
	all_put(p);
	end(p);
	child_must(released == NOBJ);
}

static void op_destroy(void)
{
	struct percu_pool *p = plain(64);
	void *objs[NOBJ];
	int err;

	take(p, objs);
	for (int i = 0; i < NOBJ; i++)
		retire(p, objs[i], &urcu_bp_flavor);
	arm();
	err = percu_pool_destroy(p);
	child_must(!err ||
		   (os_fault_fired() && (err == -EPERM || err == -ENOMEM)));
	disarm();
	if (err)
		end(p);
}

static const struct op {
	const char *name;
	void (*fn)(void);
} ops[] = {
	{ "put_rcu", op_put }, /* the one that tries what is warm */
	{ "barrier", op_barrier },
	{ "put_rcu of large objects", op_put_big },
	{ "two flavors", op_two_flavors },
	{ "free_rcu", op_free },
	{ "release", op_release },
	{ "destroy", op_destroy },
};

enum {
	NR_OPS = sizeof(ops) / sizeof(ops[0])
};

static void op_child(void *arg)
{
	const struct op *op = arg;
	struct percu_pool *p;

	op->fn();
	disarm();
	/* It works as ever, and nothing is left over. */
	p = plain(100);
	retire(p, percu_pool_get(p), &urcu_bp_flavor);
	child_must(!percu_pool_destroy(p));
	percu_barrier();
	child_must(all_conserve());
	child_must(!memstats().alloc && !graces.bytes);
}

/* A barrier may say that it could not interrupt others, and nothing else. */
static bool said_little(const char *out)
{
	const char *line = out, *end;

	for (; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!end || strncmp(line, "percu: pool ", 12) ||
		    !memmem(line, (size_t)(end - line), "stays: ", 7))
			return false;
	}
	return true;
}

static void sweep(const struct op *op, unsigned long *tries)
{
	char out[2048];
	int quiet = 0, status;

	for (try->nth = 1; quiet < QUIET; try->nth++) {
		try->fired = 0;
		status = check_fork(op_child, (void *)(uintptr_t)op, out,
				    sizeof(out));
		quiet = try->fired ? 0 : quiet + 1;
		tries[0] += try->fired != 0;
		tries[1] += try->fired;
		if (!status && said_little(out))
			continue;
		printf("\n    %s, call %lu%s, mask %#x: status %#x, said \"%s\" ",
		       op->name, try->nth,
		       try->forever ? " and all after it" : "", try->mask,
		       (unsigned int)status, out);
		CU_FAIL("it must go on");
	}
}

static void sweeps(bool forever)
{
	static const unsigned int masks[] = { EVERY_CALL,
					      EVERY_CALL & ~NO_FENCE,
					      1u << OS_THREAD, MEMORY };
	unsigned long tries[2] = { 0, 0 };

	try->forever = forever;
	try->left = 0;
	/* Tools take their time. */
	for (size_t m = 0; m < (tool_any() ? 1 : 4); m++) {
		try->mask = masks[m];
		try->warm = false;
		for (size_t i = 0; i < NR_OPS; i++)
			sweep(&ops[i], tries);
		try->warm = true;
		sweep(&ops[0], tries);
	}
	printf("(%lu tries, %lu calls failed, %lu objects were left) ",
	       tries[0], tries[1], try->left);
	CU_ASSERT_TRUE(tries[0] > 0);
}

static void once(void)
{
	sweeps(false);
}

static void for_good(void)
{
	sweeps(true);
	CU_ASSERT_TRUE(try->left > 0);
}

/* The places for what nothing else takes, until they are full. -------------------- */

static struct percu_pool *full;
static void *objects[NOBJ];

static void retire_all(void *arg)
{
	(void)arg;
	for (int i = 0; i < NOBJ; i++)
		retire(full, objects[i], &urcu_bp_flavor);
}

static void left_child(void *arg)
{
	struct holder h = { .flavor = &urcu_bp_flavor };
	struct call c;

	(void)arg;
	full = plain(64);
	take(full, objects);
	holder_begin(&h);
	os_fault_arm(MEMORY, 1, true);
	eat_meta();
	call_begin(&c, retire_all, NULL);
	if (call_waits(&c)) {
		try->left = counter_read(&full->left_in);
		child_must(try->left == NR_LEFT);
		child_must(__atomic_load_n(&full->left, __ATOMIC_RELAXED) ==
			   NR_LEFT);
	}
	os_fault_disarm();
	holder_end(&h);
	call_end(&c);
	percu_pool_barrier(full);
	child_must(stats_of(full).puts_rcu == NOBJ);
	child_must(!full->left && !percu_pool_destroy(full));
}

static void left_fill(void)
{
	char out[1024];
	int status;

	try->left = 0;
	status = check_fork(left_child, NULL, out, sizeof(out));
	CU_ASSERT_EQUAL(status, 0);
	if (status)
		printf("\n    %s", out);
	printf("(%lu were left) ", try->left);
	CU_ASSERT_EQUAL(try->left, NR_LEFT);
}

static const CU_TestInfo tests[] = {
	{ "each call fails once", once },
	{ "each call fails for good", for_good },
	{ "the last places fill up, and who retires waits", left_fill },
	CU_TEST_INFO_NULL
};

int main(void)
{
	try = mmap(NULL, sizeof(*try), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return try == MAP_FAILED ? 2 : check_main("retire_oom", tests);
}
