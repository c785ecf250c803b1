/* SPDX-License-Identifier: MIT */
/*
 * tests/test_oom.c - every public function on a system that refuses
 *
 * See tests/oom.h for how: in a process that has not used the library, and in
 * one that has.  What init does is tried by test_oom_init.c.
 *
 * Law, each time: a result or NULL and ENOMEM; what was had can be given back
 * meanwhile, and errno is left alone by that; afterwards everything is in one
 * place and nothing is left over, and everything works.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "tests/oom.h"

enum {
	NOBJ = 300,
};

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
	if (oom->warm)
		warm_up();
	listed = pools_conserve();
	a->op->run(a->attr);
	disarm();
	child_must(pools_conserve() == listed);
	child_must(all_conserve());
	if (oom->warm)
		cool_down();
	works_and_leaves_nothing();
	oom->done = true;
}

enum {
	NATTRS = sizeof(attrs) / sizeof(attrs[0])
};

/* In short each operation is tried, but not with each kind of pool. */
static bool chosen(const struct op *op, size_t i, bool debug)
{
	size_t turn = (size_t)(op - ops) + oom->warm + 3 * oom->forever;

	if (tool.valgrind && turn % 2)
		return false;
	if (!op->pools)
		return i == 0 && !debug;
	/* In debug every other kind, and the next time the others. */
	if (!check_short())
		return !debug || (i + turn) % 2;
	return i == (3 * turn + debug) % NATTRS && !(debug && tool.valgrind);
}

static void sweep_ops(bool warm, bool forever)
{
	if (!oom)
		oom = shared(sizeof(*oom));
	oom->warm = warm;
	oom->forever = forever;
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

static const CU_TestInfo tests[] = {
	{ "each call fails once, nothing used before", fresh_once },
	{ "each call fails for good, nothing used before", fresh_forever },
	{ "each call fails once, in use", warm_once },
	{ "each call fails for good, in use", warm_forever },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("oom", tests);
}
