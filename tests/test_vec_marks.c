/* SPDX-License-Identifier: MIT */
/*
 * tests/test_vec_marks.c - edits of vectors above the hard mark
 *
 * Law: above it each call that can fail waits until readers leave, and succeeds
 * then.  Where it may not wait it returns -EAGAIN and the vector is as it was,
 * the very same version: in a read section of whatever flavor, in a release
 * callback, in a batch of another vector, and with defer_wait:0.  A removal
 * always happens.  Each case is a program of its own, with marks of its own.
 */
#include <errno.h>
#include <percu/pool.h>
#include <percu/vec.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#include "pool/pool.h"
#include "rcu/grace.h"
#include "tests/check.h"
#include "tests/pools.h"
#include "tests/retire.h"
#include "vec/vec.h"

enum {
	SIZE = 64,
	HARD = 256 << 10,
	ABOVE = 2 * HARD / SIZE, /* objects */
	FLAT = 20,
	TREE = 1100, /* slots of a vector that is not flat */
	NR_FLAVORS = 4,
	NR_CALLS = 8,
	HOLE = 3, /* the slot of each vector that is one */
};

#define MARKS "defer_soft:64k,defer_hard:256k"

static const struct rcu_flavor_struct *const flavors[NR_FLAVORS] = {
	&urcu_memb_flavor,
	&urcu_mb_flavor,
	&urcu_bp_flavor,
	&urcu_qsbr_flavor,
};

static struct percu_pool *pool;
static char object[2 * TREE];

/* One flat and one tree of each flavor. */
static struct percu_vec vec[NR_FLAVORS][2];

static void begin(void)
{
	void *objs[TREE];

	pool = percu_pool_create(
		&(struct percu_pool_attr){ .name = "marked", .size = SIZE });
	child_must(pool);
	for (int i = 0; i < TREE; i++)
		objs[i] = &object[i];
	for (int f = 0; f < NR_FLAVORS; f++) {
		for (int tree = 0; tree < 2; tree++) {
			struct percu_vec *v = &vec[f][tree];

			child_must(!percu_vec_init_flavor(v, NULL, flavors[f]));
			child_must(!percu_vec_append_bulk(v, objs,
							  tree ? TREE : FLAT));
			child_must(!percu_vec_remove_nil(v, HOLE));
		}
	}
}

static void end(void)
{
	percu_pool_barrier(pool);
	for (int f = 0; f < NR_FLAVORS; f++)
		for (int tree = 0; tree < 2; tree++)
			percu_vec_destroy(&vec[f][tree]);
	child_must(!percu_pool_destroy(pool));
}

/* In a read section, so that it goes on above the mark. */
static void flood(const struct rcu_flavor_struct *flavor)
{
	for (int i = 0; i < ABOVE; i++)
		percu_pool_put_rcu_flavor(pool, percu_pool_get(pool), flavor);
	child_must(counter_read(&graces.bytes) > HARD);
}

static int begin_and_abort(struct percu_vec *v)
{
	struct percu_vec_batch b;
	int rc = percu_vec_batch_begin(&b, v);

	if (!rc)
		percu_vec_batch_abort(&b);
	return rc;
}

/* Each call that can fail, by its number. */
static int edit(struct percu_vec *v, int call)
{
	void *two[] = { &object[TREE], &object[TREE + 1] };

	switch (call) {
	case 0:
		return percu_vec_append(v, two[0]);
	case 1:
		return percu_vec_append_bulk(v, two, 2);
	case 2:
		return percu_vec_insert(v, 1, two[0]);
	case 3:
		return percu_vec_replace(v, 2, two[0]);
	case 4:
		return percu_vec_reserve(v, 900);
	case 5:
		return percu_vec_clip(v);
	case 6:
		return begin_and_abort(v);
	default:
		return percu_vec_compact(v);
	}
}

/* None of them has done anything. */
static void all_refused(struct percu_vec *v, size_t len)
{
	const struct percu_node *root = v->root;

	for (int call = 0; call < NR_CALLS; call++) {
		child_must(edit(v, call) == -EAGAIN);
		child_must(v->root == root);
	}
	child_must(percu_vec_live(v) == len - 1 && !percu_vec_check(v));
	for (size_t i = 0; i < len; i++)
		child_must(version_get(root, i) ==
			   (i == HOLE ? NULL : &object[i]));
}

static void all_succeed(struct percu_vec *v)
{
	for (int call = 0; call < NR_CALLS; call++)
		child_must(!edit(v, call));
	child_must(!percu_vec_check(v));
}

static bool is_first(void *obj, void *arg)
{
	return obj == arg;
}

/* Seven objects go, whatever waits. */
static void removals_happen(struct percu_vec *v, size_t len)
{
	child_must(!percu_vec_remove_swap(v, 9));
	child_must(!percu_vec_remove_exact(v, 8));
	child_must(!percu_vec_remove(v, 7));
	child_must(!percu_vec_remove_nil(v, 6));
	child_must(percu_vec_take(v, 4) == &object[4]);
	child_must(percu_vec_remove_if(v, is_first, &object[0]) == 1);
	child_must(!percu_vec_truncate(v, len - 8));
	child_must(percu_vec_live(v) == len - 8);
}

/*
 * A reader of each flavor, and vectors of each: he would wait for himself, or
 * another who waits for him.
 */
static void child_reading(void)
{
	begin();
	for (int i = 0; i < NR_FLAVORS; i++) {
		const struct rcu_flavor_struct *f = flavors[i];

		f->register_thread();
		f->read_lock();
		flood(f);
		for (int k = 0; k < NR_FLAVORS; k++) {
			all_refused(&vec[k][0], FLAT);
			all_refused(&vec[k][1], TREE);
		}
		reader_leaves(f);
		f->read_unlock();
		f->unregister_thread();
		percu_pool_barrier(pool);
	}
	urcu_bp_flavor.read_lock();
	flood(&urcu_bp_flavor);
	for (int k = 0; k < NR_FLAVORS; k++) {
		removals_happen(&vec[k][0], FLAT);
		removals_happen(&vec[k][1], TREE);
	}
	child_must(edit(&vec[0][0], 0) == -EAGAIN);
	reader_leaves(&urcu_bp_flavor);
	urcu_bp_flavor.read_unlock();
	percu_pool_barrier(pool);
	for (int k = 0; k < NR_FLAVORS; k++) {
		all_succeed(&vec[k][0]);
		all_succeed(&vec[k][1]);
	}
	end();
}

/* Nobody reads but the holder, who is asleep. */
static void child_not_waiting(void)
{
	struct holder h = { .flavor = &urcu_bp_flavor };

	begin();
	holder_begin(&h);
	flood(&urcu_bp_flavor);
	for (int k = 0; k < NR_FLAVORS; k++) {
		all_refused(&vec[k][0], FLAT);
		all_refused(&vec[k][1], TREE);
		removals_happen(&vec[k][1], TREE);
	}
	holder_end(&h);
	percu_pool_barrier(pool);
	for (int k = 0; k < NR_FLAVORS; k++)
		all_succeed(&vec[k][0]);
	end();
}

struct edits {
	struct percu_vec *v;
	int call;
	_Atomic int rc;
};

static void call_edit(void *arg)
{
	struct edits *e = arg;

	e->rc = edit(e->v, e->call);
}

static void child_waiting(void)
{
	begin();
	for (int call = 0; call < NR_CALLS; call++) {
		struct holder h = { .flavor = &urcu_bp_flavor };
		struct edits e = { .v = &vec[call % NR_FLAVORS][call / 4],
				   .call = call,
				   .rc = 1 };
		const struct percu_node *root = e.v->root;
		struct call c;

		holder_begin(&h);
		urcu_bp_flavor.read_lock();
		flood(&urcu_bp_flavor);
		reader_leaves(&urcu_bp_flavor);
		urcu_bp_flavor.read_unlock();
		call_begin(&c, call_edit, &e);
		child_must(call_waits(&c));
		child_must(e.rc == 1 && e.v->root == root);
		holder_end(&h);
		call_end(&c);
		child_must(!e.rc);
		percu_pool_barrier(pool);
	}
	end();
}

static sem_t called;

/* Of an object that a vector has removed, while others still wait. */
static void release(void *obj, void *arg)
{
	child_must(arg == NULL && obj == &object[0]);
	all_refused(&vec[2][0], FLAT);
	all_refused(&vec[0][1], TREE);
	sem_post(&called);
}

/* Who has a batch of another vector, and a callback. */
static void child_busy(void)
{
	struct holder h = { .flavor = &urcu_memb_flavor };
	struct percu_vec other;
	struct percu_vec_batch b;

	begin();
	sem_init(&called, 0, 0);
	child_must(!percu_vec_init(
		&other, &(struct percu_vec_attr){ .release = release }));
	child_must(!percu_vec_append(&other, &object[0]));
	child_must(!percu_vec_batch_begin(&b, &vec[3][0]));
	holder_begin(&h);
	flood(&urcu_memb_flavor);
	all_refused(&vec[2][0], FLAT);
	all_refused(&vec[2][1], TREE);
	percu_vec_batch_abort(&b);
	urcu_bp_flavor.read_lock();
	child_must(!percu_vec_remove(&other, 0));
	reader_leaves(&urcu_bp_flavor);
	urcu_bp_flavor.read_unlock();
	while (sem_wait(&called))
		;
	child_must(counter_read(&graces.bytes) > HARD);
	holder_end(&h);
	percu_vec_destroy(&other);
	end();
}

static void reading(void)
{
	CU_ASSERT_TRUE(run_again(MARKS, "reading"));
}

static void not_waiting(void)
{
	CU_ASSERT_TRUE(run_again(MARKS ",defer_wait:0", "not-waiting"));
}

static void waiting(void)
{
	CU_ASSERT_TRUE(run_again(MARKS, "waiting"));
}

static void busy(void)
{
	CU_ASSERT_TRUE(run_again(MARKS, "busy"));
}

static const struct again agains[] = {
	{ "reading", child_reading },
	{ "not-waiting", child_not_waiting },
	{ "waiting", child_waiting },
	{ "busy", child_busy },
	{ NULL, NULL },
};

static const CU_TestInfo tests[] = {
	{ "a reader is told -EAGAIN by each call that can fail", reading },
	{ "and so is everyone with defer_wait:0", not_waiting },
	{ "others wait, and succeed", waiting },
	{ "not a callback, nor who is in the middle of a batch", busy },
	CU_TEST_INFO_NULL
};

int main(int argc, char **argv)
{
	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("vec_marks", tests);
}
