/* SPDX-License-Identifier: MIT */
/*
 * tests/test_vec.c - what percu/vec.h says of making, reading and filling
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <urcu-bp.h>

#include <percu/pool.h>

#include "tests/check.h"
#include "tests/pools.h"
#include "tests/vecs.h"
#include "vec/vec.h"

/* Making and ending. ------------------------------------------------------ */

/* How often it was released so far; the reclaimer may be about to. */
static int count_of(size_t i)
{
	return __atomic_load_n(&object[i], __ATOMIC_RELAXED);
}

static void makes(void)
{
	struct percu_vec_attr attr = released;
	struct percu_pool *pool =
		percu_pool_create(&(struct percu_pool_attr){ .size = 64 });

	begin(NULL, 0);
	CU_ASSERT(same());
	percu_vec_destroy(&v);
	attr.pool = pool;
	CU_ASSERT_EQUAL(percu_vec_init(&v, &attr), -EINVAL);
	CU_ASSERT_EQUAL(
		percu_vec_init(&v, &(struct percu_vec_attr){ .flags = 1 << 9 }),
		-EINVAL);
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);
	for_each_length(n)
	{
		begin(&released, n);
		end();
	}
}

/* Laws: a capacity is there from the start; so is one that was reserved. */
static void reserves(void)
{
	struct percu_vec_attr attr = released;
	const struct percu_node *root;

	attr.capacity = 100;
	begin(&attr, 0);
	root = v.root;
	CU_ASSERT(root->cap >= 100);
	for (int i = 0; i < 100; i++) {
		want[want_len++] = next_object();
		CU_ASSERT_EQUAL(percu_vec_append(&v, want[want_len - 1]), 0);
	}
	CU_ASSERT_PTR_EQUAL(v.root, root);
	CU_ASSERT_EQUAL(percu_vec_reserve(&v, 500), 0);
	CU_ASSERT(v.root->cap >= 500);
	for (int i = 0; i < 99; i++) {
		CU_ASSERT_EQUAL(percu_vec_remove(&v, 0), 0);
		model_close(0);
	}
	CU_ASSERT(v.root->cap >= 500);
	CU_ASSERT_EQUAL(percu_vec_reserve(&v, 1 << 20), 0);
	CU_ASSERT_EQUAL(percu_vec_reserve(&v, SIZE_MAX), -ENOMEM);
	CU_ASSERT_EQUAL(percu_vec_clip(&v), 0);
	CU_ASSERT_EQUAL(v.root->cap, want_len);
	end();
}

/* Laws: removed objects go to the pool; without one they are the caller's. */
static void to_pool(void)
{
	struct percu_pool *pool = percu_pool_create(
		&(struct percu_pool_attr){ .name = "elements", .size = 64 });
	struct percu_vec_attr attr = { .pool = pool };

	CU_ASSERT_EQUAL_FATAL(percu_vec_init(&v, &attr), 0);
	for (int i = 0; i < 10; i++) {
		void *obj = percu_pool_get(pool);

		CU_ASSERT_EQUAL(percu_vec_append(&v, obj), 0);
	}
	CU_ASSERT_EQUAL(percu_vec_remove(&v, 3), 0);
	percu_pool_barrier(pool);
	CU_ASSERT_EQUAL(stats_of(pool).outstanding, 9);
	percu_vec_destroy(&v);
	CU_ASSERT_EQUAL(stats_of(pool).outstanding, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(pool), 0);

	begin(NULL, 3);
	CU_ASSERT_EQUAL(percu_vec_remove(&v, 0), 0);
	percu_vec_destroy(&v);
	CU_ASSERT_EQUAL(count_of(0) + count_of(1) + count_of(2), 0);
}

/* Reading. ---------------------------------------------------------------- */

/* Laws: break ends both loops with the index, continue goes on. */
static void loops(void)
{
	for_each_length(n)
	{
		size_t i, k = 0;
		int *obj;

		begin(&released, n);
		rcu_read_lock();
		percu_vec_for_each (&v, i, obj) {
			if (i % 3)
				continue;
			k++;
			if (i >= n / 2)
				break;
		}
		rcu_read_unlock();
		CU_ASSERT_EQUAL(
			i, (n / 2 + 2) / 3 * 3 < n ? (n / 2 + 2) / 3 * 3 : n);
		CU_ASSERT_EQUAL(k, (i < n ? i / 3 + 1 : (n + 2) / 3));
		end();
	}
}

/* Law: a view stays as it was made. */
static void views(void)
{
	for_each_length(n)
	{
		struct percu_view view;
		size_t wrong = 0;

		begin(&released, n);
		rcu_read_lock();
		view = percu_vec_view(&v);
		for (int i = 0; i < 20; i++) {
			CU_ASSERT_EQUAL(percu_vec_append(&v, next_object()), 0);
			CU_ASSERT_EQUAL(percu_vec_insert(&v, 0, next_object()),
					0);
			CU_ASSERT_EQUAL(percu_vec_remove(&v, n / 2 + 1), 0);
			CU_ASSERT_EQUAL(percu_vec_remove_swap(&v, 0), 0);
		}
		CU_ASSERT_EQUAL(percu_vec_truncate(&v, n / 2), 0);
		wrong += percu_view_len(view) != n;
		for (size_t i = 0; i < n; i++)
			wrong += percu_view_get(view, i) != want[i] ||
				 count_of(i);
		rcu_read_unlock();
		CU_ASSERT_EQUAL(wrong, 0);
		for (want_len = 0; want_len < vec_len(); want_len++)
			want[want_len] = slot(want_len);
		end();
	}
}

/* Edits that can fail. ---------------------------------------------------- */

static void appends(void)
{
	for_each_length(n)
	{
		void *objs[2000];
		size_t wrong = 0;

		begin(&released, n);
		CU_ASSERT_EQUAL(percu_vec_append(&v, NULL), -EINVAL);
		for (int i = 0; i < 2000; i++)
			objs[i] = next_object();
		memcpy(&want[want_len], objs, sizeof(objs));
		want_len += 2000;
		CU_ASSERT_EQUAL(percu_vec_append_bulk(&v, objs, 0), 0);
		CU_ASSERT_EQUAL(percu_vec_append_bulk(&v, objs, 2000), 0);
		CU_ASSERT(same());
		objs[1000] = NULL;
		CU_ASSERT_EQUAL(percu_vec_append_bulk(&v, objs, 2000), -EINVAL);
		for (int i = 0; i < 1000; i++) {
			want[want_len++] = next_object();
			wrong += percu_vec_append(&v, want[want_len - 1]) != 0;
		}
		CU_ASSERT_EQUAL(wrong, 0);
		end();
	}
}

/* Law: where there is room that no reader has seen, no copy is made. */
static void appends_in_place(void)
{
	uint64_t copies;

	begin(&released, 1000);
	copies = v.writer->paths[VEC_COPY_FLAT];
	printf("(%llu copies) ", (unsigned long long)copies);
	CU_ASSERT(copies < 12);
	end();
	begin(&released, 20000);
	CU_ASSERT(v.writer->paths[VEC_COPY_NODE] < 3 * (20000 / LEAF_MAX) + 10);
	CU_ASSERT(v.writer->paths[VEC_IN_PLACE] > 19000);
	end();
}

static void inserts(void)
{
	struct check_rand r = { check_seed() };

	for_each_length(n)
	{
		size_t wrong = 0;

		begin(&released, n);
		CU_ASSERT_EQUAL(percu_vec_insert(&v, 0, NULL), -EINVAL);
		CU_ASSERT_EQUAL(percu_vec_insert(&v, n + 1, object), -ERANGE);
		for (int i = 0; i < 900; i++) {
			size_t at =
				i == 0 ? 0 :
				i == 1 ? want_len :
					 check_rand_below(
						 &r, (uint32_t)want_len + 1);

			model_open(at, next_object());
			wrong += percu_vec_insert(&v, at, want[at]) != 0;
		}
		CU_ASSERT_EQUAL(wrong, 0);
		end();
	}
}

static void replaces_with(const struct percu_vec_attr *attr)
{
	for_each_length(n)
	{
		begin(attr, n);
		CU_ASSERT_EQUAL(percu_vec_replace(&v, n, object), -ERANGE);
		CU_ASSERT_EQUAL(percu_vec_replace(&v, 0, NULL), -EINVAL);
		for (size_t i = 0; i < n; i += 1 + n / 10) {
			want[i] = next_object();
			CU_ASSERT_EQUAL(percu_vec_replace(&v, i, want[i]), 0);
		}
		if (n) { /* a hole too */
			CU_ASSERT_EQUAL(percu_vec_remove_nil(&v, 0), 0);
			want[0] = next_object();
			CU_ASSERT_EQUAL(percu_vec_replace(&v, 0, want[0]), 0);
		}
		end();
	}
}

static void replaces(void)
{
	replaces_with(&released);
	replaces_with(&placed);
}

static void compacts(void)
{
	for_each_length(n)
	{
		size_t to = 0;

		begin(&released, n);
		for (size_t i = 0; i < n; i += 7)
			CU_ASSERT_EQUAL(percu_vec_remove_nil(&v, i), 0);
		for (size_t i = 0; i < n; i++)
			if (i % 7)
				want[to++] = want[i];
		want_len = to;
		CU_ASSERT_EQUAL(percu_vec_compact(&v), 0);
		CU_ASSERT(same());
		CU_ASSERT_EQUAL(percu_vec_compact(&v), 0);
		CU_ASSERT_EQUAL(percu_vec_clip(&v), 0);
		CU_ASSERT(node_level(v.root) || v.root->cap == want_len);
		end();
	}
}

/* Misuse. ----------------------------------------------------------------- */

static char line[200];

static void twice(void *arg)
{
	(void)arg;
	(void)percu_vec_append(&v, &object[1]);
}

static void outside(void *arg)
{
	(void)arg;
	(void)percu_vec_get(&v, 0);
}

static void view_outside(void *arg)
{
	struct percu_view view;

	(void)arg;
	rcu_read_lock();
	view = percu_vec_view(&v);
	rcu_read_unlock();
	(void)percu_view_get(view, 0);
}

static void damaged(void *arg)
{
	(void)arg;
	v.root->slot[v.root->cap - 1] = object;
	_exit(percu_vec_check(&v) == -EUCLEAN ? 0 : 1);
}

static void debugged(void)
{
	child_must(!percu_vec_init(&v, &released));
	for (int i = 0; i < 3; i++)
		child_must(!percu_vec_append(&v, &object[i]));
	snprintf(line, sizeof(line),
		 "percu: misuse: vec tested: %p is in slot 1 already\n",
		 (void *)&object[1]);
	child_must(check_aborts(twice, NULL, line));
	child_must(check_aborts(outside, NULL,
				"percu: misuse: vec tested: percu_vec_get() "
				"outside of a read section\n"));
	child_must(check_aborts(view_outside, NULL,
				"percu: misuse: vec tested: a view is used "
				"outside of a read section\n"));
	child_must(slot(2) == &object[2] && vec_len() == 3);
	percu_vec_destroy(&v);
	child_must(object[0] == 1 && object[1] == 1 && object[2] == 1);
}

static const struct again agains[] = {
	{ "debugged", debugged },
	{ NULL, NULL },
};

static void misuse(void)
{
	CU_ASSERT(run_again("debug:1", "debugged"));
}

/* Law: the audit finds a pointer behind the length, and says where. */
static void audits(void)
{
	char said[200];

	begin(&released, 5);
	CU_ASSERT_EQUAL(check_fork(damaged, NULL, said, sizeof(said)), 0);
	CU_ASSERT_STRING_EQUAL(said, "percu: vec tested: slot 5: a slot behind "
				     "the length holds a pointer\n");
	end();
}

static const CU_TestInfo tests[] = {
	{ "init and destroy", makes },
	{ "capacity and reserve", reserves },
	{ "objects go to a pool, or nowhere", to_pool },
	{ "for_each", loops },
	{ "views stay", views },
	{ "append", appends },
	{ "append in place", appends_in_place },
	{ "insert", inserts },
	{ "replace", replaces },
	{ "compact and clip", compacts },
	{ "misuse", misuse },
	{ "check", audits },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("vec", tests);
}
