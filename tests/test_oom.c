/* SPDX-License-Identifier: MIT */
/*
 * tests/test_oom.c - every public function on a system that refuses
 *
 * As SQLite does it: the first call to the system fails, then the second,
 * until the operation makes no further one; each time once, and each time for
 * good from there on; in a process that has not used the library, and in one
 * that has.  Every try has a process of its own, so each starts the same.
 *
 * Law, each time: a result or NULL and ENOMEM; what was had can be given back
 * meanwhile, and errno is left alone by that; afterwards everything is in one
 * place and nothing is left over, and everything works.
 *
 * What init does is tried the same way, by a program that arms the faults
 * before the library's constructor runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <percu/alloc.h>
#include <stdlib.h>

#include "tests/conserve.h"

enum {
	EVERY_CALL = (1 << OS_NR_CALLS) - 1,
	NOBJ = 300,
	ERRNO_OF_MINE = 77,
};

/* In memory that the child shares. */
struct
try {
	unsigned long nth;
	bool forever, warm;
	unsigned long fired, refused;
	bool done;
	char mode[16];
};

static struct try *try;
static bool armed;

static void arm(void)
{
	os_fault_arm(EVERY_CALL, try->nth, try->forever);
	armed = true;
}

static void disarm(void)
{
	os_fault_disarm();
	if (armed)
		try->fired += os_fault_fired();
	armed = false;
}

/* NULL is an answer, if it is a NULL for want of memory. */
static void *wanted(void *p)
{
	if (!p) {
		child_must(errno == ENOMEM);
		child_must(os_fault_fired());
		try->refused++;
	}
	return p;
}

/* Giving back never fails, and never says that it did. */
static void give_block(void *p)
{
	errno = ERRNO_OF_MINE;
	percu_free(p);
	child_must(errno == ERRNO_OF_MINE);
}

static void give_object(struct percu_pool *p, void *obj)
{
	errno = ERRNO_OF_MINE;
	percu_pool_put(p, obj);
	child_must(errno == ERRNO_OF_MINE);
}

/* The pools. ------------------------------------------------------------- */

/* Objects that own memory from the classes: a constructor can fail too. */
static int node_ctor(void *obj, void *arg)
{
	(void)arg;
	*(void **)obj = percu_alloc(200);
	return *(void **)obj ? 0 : -ENOMEM;
}

static void node_dtor(void *obj, void *arg)
{
	(void)arg;
	percu_free(*(void **)obj);
}

static void *item_create(void *arg)
{
	(void)arg;
	return percu_alloc(100);
}

static void item_destroy(void *obj, void *arg)
{
	(void)arg;
	percu_free(obj);
}

#define NODE .size = 48, .ctor = node_ctor, .dtor = node_dtor
#define ITEM .create = item_create, .destroy = item_destroy

static const struct percu_pool_attr attrs[] = {
	{ .name = "plain", .size = 200 },
	{ .name = "aligned", .size = 5000, .align = 4096 },
	{ .name = "big", .size = 100000 },
	{ .name = "node", NODE },
	{ .name = "item", ITEM },
	{ .name = "plain-reserve", .size = 200, .reserve = 100 },
	{ .name = "node-reserve", NODE, .reserve = 100 },
	{ .name = "item-reserve", ITEM, .reserve = 100 },
	{ .name = "limited", .size = 64, .limit = 1000, .reserve = 10 },
	{ .name = "zeroed", .size = 96, .flags = PERCU_POOL_ZERO },
};

static struct percu_pool *pool_of(const struct percu_pool_attr *attr)
{
	struct percu_pool *p = percu_pool_create(attr);

	child_must(p);
	return p;
}

static size_t take(struct percu_pool *p, void **objs, size_t n)
{
	size_t got = 0;

	for (size_t i = 0; i < n; i++) {
		objs[got] = wanted(percu_pool_get(p));
		got += !!objs[got];
	}
	return got;
}

static void give(struct percu_pool *p, void **objs, size_t n)
{
	while (n)
		give_object(p, objs[--n]);
}

/* The fence may have been refused; then the pool lives on. */
static void end(struct percu_pool *p)
{
	int err = percu_pool_destroy(p);

	if (err) {
		child_must(err == -EPERM && os_fault_fired());
		disarm();
		child_must(!percu_pool_destroy(p));
	}
}

static void op_create(const struct percu_pool_attr *attr)
{
	struct percu_pool *p;
	void *objs[NOBJ];

	arm();
	p = wanted(percu_pool_create(attr));
	if (!p)
		return;
	/* What was reserved is there, whatever the system says. */
	for (size_t i = 0; i < attr->reserve; i++)
		child_must((objs[i] = percu_pool_get(p)));
	give(p, objs, attr->reserve);
	end(p);
}

static void op_get_put(const struct percu_pool_attr *attr)
{
	struct percu_pool *p = pool_of(attr);
	void *objs[NOBJ];
	size_t n;

	arm();
	n = take(p, objs, NOBJ);
	child_must(n >= attr->reserve);
	give(p, objs, n);
	n = take(p, objs, NOBJ);
	disarm();
	give(p, objs, n);
	end(p);
}

/* Objects are put while every call fails, by who has got them before. */
static void op_put(const struct percu_pool_attr *attr)
{
	struct percu_pool *p = pool_of(attr);
	void *objs[NOBJ];

	child_must(take(p, objs, NOBJ) == NOBJ);
	arm();
	give(p, objs, NOBJ);
	disarm();
	end(p);
}

static void op_bulk(const struct percu_pool_attr *attr)
{
	struct percu_pool *p = pool_of(attr);
	void *objs[NOBJ];
	size_t n;

	arm();
	n = percu_pool_get_bulk(p, objs, NOBJ);
	if (n < NOBJ) {
		wanted(NULL);
		child_must(n >= attr->reserve);
	}
	errno = ERRNO_OF_MINE;
	percu_pool_put_bulk(p, objs, n);
	child_must(errno == ERRNO_OF_MINE);
	disarm();
	end(p);
}

static void op_destroy(const struct percu_pool_attr *attr)
{
	struct percu_pool *p = pool_of(attr);
	void *objs[NOBJ];
	int err;

	child_must(take(p, objs, NOBJ) == NOBJ);
	give(p, objs, NOBJ - 1);
	arm();
	err = percu_pool_destroy(p);
	child_must(err == -EBUSY || (err == -EPERM && os_fault_fired()));
	disarm();
	give_object(p, objs[NOBJ - 1]);
	arm();
	end(p);
}

static void op_age(const struct percu_pool_attr *attr)
{
	struct percu_pool *p = pool_of(attr);
	void *objs[NOBJ];

	for (int i = 0; i < 2; i++) {
		child_must(take(p, objs, NOBJ) == NOBJ);
		if (!i)
			arm();
		give(p, objs, NOBJ);
		percu_pool_age(p);
		percu_age();
		percu_pool_age(p);
		percu_pool_shrink(p);
		percu_age();
		disarm();
	}
	end(p);
}

/* Memory by size. ----------------------------------------------------------- */

static const size_t sizes[] = {
	0,     1,      16,      100,      1000,     8192,    32768,
	32769, 100000, 1 << 20, 40 << 20, 70 << 20, 3 << 20,
};

enum {
	NSIZES = sizeof(sizes) / sizeof(sizes[0])
};

/* The tools mark each byte, and of such blocks there are many. */
static size_t bearable(size_t size)
{
	return tool_any() && size > 3 << 20 ? 3 << 20 : size;
}

static void touch(char *p, size_t size)
{
	child_must(percu_usable_size(p) >= size);
	if (size)
		p[0] = p[size - 1] = 'x';
}

static void op_alloc(const struct percu_pool_attr *attr)
{
	void *p[NSIZES * 4];

	(void)attr;
	arm();
	for (size_t i = 0; i < NSIZES * 4; i++) {
		size_t size = bearable(sizes[i % NSIZES]);

		p[i] = wanted(percu_alloc(size));
		if (p[i])
			touch(p[i], size);
	}
	for (size_t i = 0; i < NSIZES * 4; i++)
		give_block(p[i]);
	disarm();
}

static bool zero(const char *p, size_t size)
{
	/* Of a large block only both ends of each page. */
	for (size_t i = 0; i < size; i += size <= 4096 || i % 4096 ? 1 : 4095)
		if (p[i])
			return false;
	return true;
}

static void op_zalloc(const struct percu_pool_attr *attr)
{
	char *p;

	(void)attr;
	arm();
	for (size_t i = 0; i < NSIZES; i++) {
		size_t size = sizes[i] > 3 << 20 ? 200000 : sizes[i];

		for (int again = 0; again < 2; again++) {
			p = wanted(percu_zalloc(size));
			if (!p)
				continue;
			child_must(zero(p, size));
			memset(p, 'x', size);
			give_block(p);
		}
	}
	disarm();
}

static void op_aligned(const struct percu_pool_attr *attr)
{
	static const struct {
		size_t align, size;
	} want[] = {
		{ 1, 1 },
		{ 64, 100 },
		{ 4096, 10000 },
		{ 8192, 100 },
		{ 1 << 20, 1 },
		{ 1 << 20, 5 << 20 },
		{ 32 << 20, 10000 },
		{ 32 << 20, 65 << 20 },
	};
	enum {
		N = sizeof(want) / sizeof(want[0])
	};
	void *p[N];

	(void)attr;
	arm();
	for (size_t i = 0; i < N; i++) {
		p[i] = wanted(percu_alloc_aligned(want[i].align, want[i].size));
		child_must(!((uintptr_t)p[i] & (want[i].align - 1)));
		if (p[i])
			touch(p[i], want[i].size);
	}
	for (size_t i = N; i--;)
		give_block(p[i]);
	disarm();
}

/* A block that cannot move is still there, with what was in it. */
static void op_realloc(const struct percu_pool_attr *attr)
{
	static const size_t steps[] = { 10,       100,    5000, 40000, 2 << 20,
					66 << 20, 100000, 20,   0 };
	size_t size = 7;
	char *p, *q;

	(void)attr;
	child_must((p = percu_alloc(size)));
	memset(p, 'a', size);
	arm();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		q = wanted(percu_realloc(p, bearable(steps[i])));
		if (q) {
			p = q;
			size = steps[i] < size ? steps[i] : size;
		}
		for (size_t j = 0; j < size; j++)
			child_must(p[j] == 'a');
	}
	q = wanted(percu_realloc(NULL, 64));
	give_block(q);
	give_block(p);
	disarm();
}

static void op_free(const struct percu_pool_attr *attr)
{
	void *p[NSIZES];

	(void)attr;
	for (size_t i = 0; i < NSIZES; i++)
		child_must((p[i] = percu_alloc(bearable(sizes[i]))));
	arm();
	for (size_t i = 0; i < NSIZES; i++) {
		child_must(percu_usable_size(p[i]) >= bearable(sizes[i]));
		errno = ERRNO_OF_MINE;
		percu_free_sized(p[i], bearable(sizes[i]));
		child_must(errno == ERRNO_OF_MINE);
	}
	disarm();
}

/* Reading. -------------------------------------------------------------------- */

static void op_stats(const struct percu_pool_attr *attr)
{
	struct percu_pool *p = pool_of(attr);
	void *obj = percu_pool_get(p);
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC), err;
	struct percu_pool_stats st;
	struct percu_memstats ms;

	arm();
	child_must(!percu_pool_stats(p, &st) && st.outstanding == 1);
	child_must(!percu_memstats(&ms) && stats_agree(&ms));
	for (int fmt = PERCU_STATS_TEXT; fmt <= PERCU_STATS_SLABINFO; fmt++) {
		err = percu_stats_write(fd, (enum percu_stats_format)fmt);
		child_must(!err || (err == -EIO && os_fault_fired()));
	}
	disarm();
	close(fd);
	percu_pool_put(p, obj);
	end(p);
}

/* One try. --------------------------------------------------------------------- */

struct op {
	const char *name;
	void (*run)(const struct percu_pool_attr *attr);
	bool pools; /* with each kind of pool, and in debug */
};

static const struct op ops[] = {
	{ "create", op_create, true },    { "get, put", op_get_put, true },
	{ "put", op_put, true },          { "bulk", op_bulk, true },
	{ "destroy", op_destroy, true },  { "age", op_age, true },
	{ "alloc", op_alloc, false },     { "zalloc", op_zalloc, false },
	{ "aligned", op_aligned, false }, { "realloc", op_realloc, false },
	{ "free", op_free, false },       { "statistics", op_stats, false },
};

enum {
	NKEPT = 500
};

static struct warmth {
	struct percu_pool *pool;
	void *block[NKEPT], *obj[NKEPT];
} warmth;

/* Some are out, some idle, some have aged. */
static void warm_up(void)
{
	warmth.pool = pool_of(&attrs[3]);
	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i < NKEPT; i++) {
			warmth.block[i] = percu_alloc(sizes[i % 10]);
			warmth.obj[i] = percu_pool_get(warmth.pool);
			child_must(warmth.block[i] && warmth.obj[i]);
		}
		for (int i = 0; i < NKEPT; i += 1 + turn) {
			percu_free(warmth.block[i]);
			percu_pool_put(warmth.pool, warmth.obj[i]);
			warmth.block[i] = warmth.obj[i] = NULL;
		}
		if (!turn)
			percu_age();
	}
}

static void cool_down(void)
{
	for (int i = 0; i < NKEPT; i++) {
		percu_free(warmth.block[i]);
		percu_pool_put(warmth.pool, warmth.obj[i]);
	}
	child_must(!percu_pool_destroy(warmth.pool));
}

/* Everything works, and all of it goes back where it came from. */
static void works_and_leaves_nothing(void)
{
	struct percu_memstats ms;
	void *objs[10], *p = percu_alloc(100), *q = percu_zalloc(1 << 20);
	struct percu_pool *pool = pool_of(&attrs[6]);

	child_must(p && q && percu_pool_get_bulk(pool, objs, 10) == 10);
	child_must(all_conserve());
	percu_pool_put_bulk(pool, objs, 10);
	percu_free(p);
	percu_free(q);
	child_must(!percu_pool_destroy(pool));
	for (int i = 0; i < 4; i++)
		percu_age();
	ms = memstats();
	child_must(ms.mallocs == ms.frees && !ms.alloc && !ms.heap_inuse);
	child_must(all_conserve());
}

struct attempt {
	const struct op *op;
	const struct percu_pool_attr *attr;
	bool debug;
};

static void attempt_child(void *arg)
{
	const struct attempt *a = arg;
	size_t listed;

	if (a->debug)
		conf.debug = true;
	if (try->warm)
		warm_up();
	listed = pools_conserve();
	a->op->run(a->attr);
	disarm();
	child_must(pools_conserve() == listed);
	child_must(all_conserve());
	if (try->warm)
		cool_down();
	works_and_leaves_nothing();
	try->done = true;
}

/* Totals, to be printed. */
static struct {
	unsigned long points, fired, refused;
} sum;

/* The next call to fail: each, or in short ever fewer. */
static unsigned long next(unsigned long nth)
{
	if (!check_short())
		return nth + 1;
	return nth + 1 + (tool.valgrind ? nth : nth / 4);
}

/* The n-th call fails, for every n that there is. */
static void sweep(void (*child)(void *arg), void *arg, const char *what)
{
	for (try->nth = 1;; try->nth = next(try->nth)) {
		try->fired = 0;
		try->refused = 0;
		try->done = false;
		CU_ASSERT_TRUE_FATAL(child_ok(child, arg));
		if (!try->done || !try->fired)
			break;
		sum.points++;
		sum.fired += try->fired;
		sum.refused += try->refused;
	}
	if (!try->done)
		printf("\n    %s, call %lu\n", what, try->nth);
	CU_ASSERT_TRUE(try->done);
}

static void print_sum(void)
{
	printf("(%lu points, %lu faults, %lu refusals) ", sum.points, sum.fired,
	       sum.refused);
	CU_ASSERT_TRUE(sum.points > 0);
	CU_ASSERT_TRUE(sum.fired >= sum.points);
	memset(&sum, 0, sizeof(sum));
}

enum {
	NATTRS = sizeof(attrs) / sizeof(attrs[0])
};

/* In short each operation is tried, but not with each kind of pool. */
static bool chosen(const struct op *op, size_t i, bool debug)
{
	size_t turn = (size_t)(op - ops) + try->warm + 3 * try->forever;

	if (tool.valgrind && turn % 2)
		return false;
	if (!op->pools)
		return i == 0 && !debug;
	if (!check_short())
		return true;
	return i == (3 * turn + debug) % NATTRS && !(debug && tool.valgrind);
}

static void sweep_ops(bool warm, bool forever)
{
	try->warm = warm;
	try->forever = forever;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		for (size_t j = 0; j < 2 * NATTRS; j++) {
			struct attempt a = { &ops[i], &attrs[j / 2], j & 1 };

			if (chosen(&ops[i], j / 2, a.debug))
				sweep(attempt_child, &a, ops[i].name);
		}
	}
	print_sum();
}

static void fresh_once(void)
{
	sweep_ops(false, false);
}

static void fresh_forever(void)
{
	sweep_ops(false, true);
}

static void warm_once(void)
{
	sweep_ops(true, false);
}

static void warm_forever(void)
{
	sweep_ops(true, true);
}

/* Init. ------------------------------------------------------------------------ */

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
	try = mmap(NULL, sizeof(*try), PROT_READ | PROT_WRITE, MAP_SHARED,
		   atoi(s), 0);
	if (try != MAP_FAILED)
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

static int init_main(void)
{
	snprintf(try->mode, sizeof(try->mode), "%s", percu_mode());
	init_use();
	disarm();
	works_and_leaves_nothing();
	try->done = true;
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

	*fd = memfd_create("try", 0);
	CU_ASSERT_FATAL(*fd >= 0 && !ftruncate(*fd, sizeof(*try)));
	p = mmap(NULL, sizeof(*try), PROT_READ | PROT_WRITE, MAP_SHARED, *fd,
		 0);
	CU_ASSERT_FATAL(p != MAP_FAILED);
	return p;
}

static void init_faults(void)
{
	struct try *mine = try;
	unsigned int locked = 0;
	int fd;

	try = exec_shared(&fd);
	for (int forever = 0; forever < 2; forever++) {
		try->forever = forever;
		sweep(init_child, &fd, "init");
	}
	/* Among them the fence's three calls, and the dummy's mapping. */
	for (try->nth = 1; try->nth < 10; try->nth++) {
		try->forever = false;
		CU_ASSERT_TRUE(child_ok(init_child, &fd));
		locked += !strcmp(try->mode, "lock");
	}
	printf("(%u of them: lock path) ", locked);
	CU_ASSERT_TRUE(locked > 0);
	munmap(try, sizeof(*try));
	close(fd);
	try = mine;
	print_sum();
}

static const CU_TestInfo tests[] = {
	{ "each call of init fails", init_faults },
	{ "each call fails once, nothing used before", fresh_once },
	{ "each call fails for good, nothing used before", fresh_forever },
	{ "each call fails once, in use", warm_once },
	{ "each call fails for good, in use", warm_forever },
	CU_TEST_INFO_NULL
};

int main(void)
{
	if (getenv(INIT_VARIABLE))
		return init_main();
	try = mmap(NULL, sizeof(*try), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return try == MAP_FAILED ? 2 : check_main("oom", tests);
}
