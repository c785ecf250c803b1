/* SPDX-License-Identifier: MIT */
/*
 * tests/test_vec.c - what percu/vec.h says of each function
 *
 * Each test goes through the lengths at which a vector is empty, flat, about
 * to become a tree, and a tree.  What a vector must hold is kept in an array;
 * objects are the elements of another one, and count their releases.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <urcu-bp.h>

#include <percu/pool.h>
#include <percu/vec.h>

#include "tests/check.h"
#include "tests/pools.h"
#include "vec/vec.h"

enum {
	OBJECTS = 1 << 16,
};

static int object[OBJECTS]; /* how often it was released */
static unsigned int used;   /* how many of them were handed to a vector */

static struct percu_vec v;
static void *model[OBJECTS];
static size_t len;

static void release(void *obj, void *arg)
{
	/* By another thread; a wrong arg shows as a wrong count. */
	__atomic_add_fetch((int *)obj, arg == object ? 1 : 100,
			   __ATOMIC_RELAXED);
}

static const struct percu_vec_attr released = {
	.name = "tested",
	.release = release,
	.arg = object,
};

static const struct percu_vec_attr in_place = {
	.name = "tested",
	.release = release,
	.arg = object,
	.flags = PERCU_VEC_INPLACE,
};

static const size_t lengths[] = { 0,
				  1,
				  2,
				  30,
				  FLAT_MAX - 1,
				  FLAT_MAX,
				  FLAT_MAX + 1,
				  LEAF_MAX *KIDS_MAX + LEAF_MAX / 2 };

static void *next_object(void)
{
	return &object[used++];
}

static void *slot(size_t i)
{
	void *obj;

	rcu_read_lock();
	obj = percu_vec_get(&v, i);
	rcu_read_unlock();
	return obj;
}

static size_t vec_len(void)
{
	size_t n;

	rcu_read_lock();
	n = percu_vec_len(&v);
	rcu_read_unlock();
	return n;
}

/* Law: each way to read says what the model says; the audit says nothing. */
static bool same(void)
{
	size_t i, seen = 0, live = 0, wrong = 0;
	struct percu_view view;
	void *obj;

	for (i = 0; i < len; i++)
		live += model[i] != NULL;
	rcu_read_lock();
	view = percu_vec_view(&v);
	wrong += percu_view_len(view) != len || percu_vec_len(&v) != len;
	for (i = 0; i < len; i++)
		wrong += percu_view_get(view, i) != model[i] ||
			 percu_vec_get(&v, i) != model[i];
	wrong += percu_view_get(view, len) || percu_vec_get(&v, len);
	percu_view_for_each(view, i, obj)
	{
		wrong += obj != model[i];
		seen++;
	}
	rcu_read_unlock();
	wrong += seen != live || percu_vec_live(&v) != live;
	return !wrong && !percu_vec_check(&v);
}

/* Law: what is in no slot was released once, what is in one was not. */
static bool released_once(void)
{
	size_t wrong = 0;

	percu_barrier();
	for (size_t i = 0; i < len; i++)
		if (model[i])
			wrong += object[(int *)model[i] - object]++ != 0;
	for (unsigned int i = 0; i < used; i++)
		wrong += object[i] != 1;
	for (size_t i = 0; i < len; i++)
		if (model[i])
			object[(int *)model[i] - object]--;
	return !wrong;
}

/* A vector of n objects that was appended to. */
static void begin(const struct percu_vec_attr *attr, size_t n)
{
	memset(object, 0, sizeof(object));
	used = 0;
	CU_ASSERT_EQUAL_FATAL(percu_vec_init(&v, attr), 0);
	for (len = 0; len < n; len++) {
		model[len] = next_object();
		CU_ASSERT_EQUAL(percu_vec_append(&v, model[len]), 0);
	}
}

static void end(void)
{
	CU_ASSERT(same());
	CU_ASSERT(released_once());
	percu_vec_destroy(&v);
	len = 0;
	CU_ASSERT(released_once());
}

static void model_open(size_t i, void *obj)
{
	memmove(&model[i + 1], &model[i], (len++ - i) * sizeof(*model));
	model[i] = obj;
}

static void model_close(size_t i)
{
	memmove(&model[i], &model[i + 1], (--len - i) * sizeof(*model));
}

#define for_each_length(n)                                              \
	for (const size_t *at_ = lengths;                               \
	     at_ < lengths + sizeof(lengths) / sizeof(*lengths); at_++) \
		for (size_t n = *at_, once_ = 1; once_; once_ = 0)

/* Making and ending. ------------------------------------------------------ */

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
		model[len++] = next_object();
		CU_ASSERT_EQUAL(percu_vec_append(&v, model[len - 1]), 0);
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
	CU_ASSERT_EQUAL(v.root->cap, len);
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
	CU_ASSERT_EQUAL(object[0] + object[1] + object[2], 0);
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
		percu_vec_for_each(&v, i, obj)
		{
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
			wrong += percu_view_get(view, i) != model[i] ||
				 object[i];
		rcu_read_unlock();
		CU_ASSERT_EQUAL(wrong, 0);
		for (len = 0; len < vec_len(); len++)
			model[len] = slot(len);
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
		memcpy(&model[len], objs, sizeof(objs));
		len += 2000;
		CU_ASSERT_EQUAL(percu_vec_append_bulk(&v, objs, 0), 0);
		CU_ASSERT_EQUAL(percu_vec_append_bulk(&v, objs, 2000), 0);
		CU_ASSERT(same());
		objs[1000] = NULL;
		CU_ASSERT_EQUAL(percu_vec_append_bulk(&v, objs, 2000), -EINVAL);
		for (int i = 0; i < 1000; i++) {
			model[len++] = next_object();
			wrong += percu_vec_append(&v, model[len - 1]) != 0;
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
			size_t at = i == 0 ? 0 :
				    i == 1 ? len :
					     check_rand_below(
						     &r, (uint32_t)len + 1);

			model_open(at, next_object());
			wrong += percu_vec_insert(&v, at, model[at]) != 0;
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
			model[i] = next_object();
			CU_ASSERT_EQUAL(percu_vec_replace(&v, i, model[i]), 0);
		}
		if (n) { /* a hole too */
			CU_ASSERT_EQUAL(percu_vec_remove_nil(&v, 0), 0);
			model[0] = next_object();
			CU_ASSERT_EQUAL(percu_vec_replace(&v, 0, model[0]), 0);
		}
		end();
	}
}

static void replaces(void)
{
	replaces_with(&released);
	replaces_with(&in_place);
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
				model[to++] = model[i];
		len = to;
		CU_ASSERT_EQUAL(percu_vec_compact(&v), 0);
		CU_ASSERT(same());
		CU_ASSERT_EQUAL(percu_vec_compact(&v), 0);
		CU_ASSERT_EQUAL(percu_vec_clip(&v), 0);
		CU_ASSERT(node_level(v.root) || v.root->cap == len);
		end();
	}
}

/* Removals. --------------------------------------------------------------- */

typedef int remove_fn(struct percu_vec *vec, size_t i);

static int take(struct percu_vec *vec, size_t i)
{
	void *obj = percu_vec_take(vec, i);

	if (!obj)
		return -errno;
	++*(int *)obj; /* the caller's, who counts it here */
	return 0;
}

/* Removes from all of n slots, in disorder, until few are left. */
static void removes_all(const struct percu_vec_attr *attr, size_t n,
			remove_fn *fn, bool swap)
{
	struct check_rand r = { check_seed() };
	size_t wrong = 0;

	begin(attr, n);
	CU_ASSERT_EQUAL(fn(&v, n), -ERANGE);
	while (len && wrong < 10) {
		size_t i = len % 100 ? check_rand_below(&r, (uint32_t)len) :
				       len - 1;

		wrong += fn(&v, i) != 0;
		if (swap)
			model[i] = model[--len];
		else
			model_close(i);
		if (len % (1 + n / 20) == 0)
			wrong += !same();
	}
	CU_ASSERT_EQUAL(wrong, 0);
	end();
}

static void removes(void)
{
	for_each_length(n)
	{
		removes_all(&released, n, percu_vec_remove, false);
		removes_all(&released, n < 3000 ? n : 3000, take, false);
	}
}

static void removes_swap(void)
{
	for_each_length(n)
	{
		removes_all(&released, n, percu_vec_remove_swap, true);
		removes_all(&in_place, n, percu_vec_remove_swap, true);
	}
}

/* Law: in place there is no copy, and no slot is used again at once. */
static void swaps_in_place(void)
{
	const struct percu_node *root;
	uint64_t copies;

	begin(&in_place, 500);
	root = v.root;
	copies = v.writer->paths[VEC_COPY_FLAT];
	CU_ASSERT_EQUAL(percu_vec_remove_swap(&v, 7), 0);
	model[7] = model[--len];
	CU_ASSERT_PTR_EQUAL(v.root, root);
	CU_ASSERT_EQUAL(v.writer->paths[VEC_COPY_FLAT], copies);
	CU_ASSERT_PTR_NULL(root->slot[499]);
	rcu_read_lock(); /* no grace period passes */
	CU_ASSERT_EQUAL(percu_vec_remove_swap(&v, 8), 0);
	model[8] = model[--len];
	model[len++] = next_object();
	CU_ASSERT_EQUAL(percu_vec_append(&v, model[len - 1]), 0);
	CU_ASSERT_PTR_NOT_EQUAL(v.root, root);
	rcu_read_unlock();
	end();
}

/* Laws: an object leaves, indices stay, no copy is made. */
static void removes_nil(void)
{
	for_each_length(n)
	{
		const struct percu_node *root;

		begin(&released, n);
		root = v.root;
		CU_ASSERT_EQUAL(percu_vec_remove_nil(&v, n), -ERANGE);
		for (size_t i = 0; i < n; i += 3) {
			CU_ASSERT_EQUAL(percu_vec_remove_nil(&v, i), 0);
			CU_ASSERT_EQUAL(percu_vec_remove_nil(&v, i), 0);
			model[i] = NULL;
		}
		CU_ASSERT_PTR_EQUAL(v.root, root);
		CU_ASSERT(same());
		errno = 0;
		if (n) {
			CU_ASSERT_PTR_NULL(percu_vec_take(&v, 0));
			CU_ASSERT_EQUAL(errno, ENOENT);
			model_close(0);
		}
		CU_ASSERT_PTR_NULL(percu_vec_take(&v, len));
		CU_ASSERT_EQUAL(errno, ERANGE);
		end();
	}
}

/* Law: the capacity is the length. */
static void removes_exact(void)
{
	for_each_length(n)
	{
		begin(&released, n);
		CU_ASSERT_EQUAL(percu_vec_remove_exact(&v, n), -ERANGE);
		for (int i = 0; i < 3 && len; i++) {
			CU_ASSERT_EQUAL(percu_vec_remove_exact(&v, len / 2), 0);
			model_close(len / 2);
			CU_ASSERT(node_level(v.root) || v.root->cap == len);
			CU_ASSERT(same());
		}
		end();
	}
}

struct asked {
	size_t n, wrong;
	unsigned int every;
	const int *last;
};

static bool ask(void *obj, void *arg)
{
	struct asked *a = arg;

	a->n++;
	a->wrong += (const int *)obj <= a->last;
	a->last = obj;
	return ((int *)obj - object) % (long)a->every == 0;
}

/* Laws: each object is asked about once, in order; holes go too. */
static void removes_if_every(size_t n, unsigned int every, bool holes)
{
	struct asked a = { .every = every };
	size_t to = 0, gone = 0, live;

	begin(&released, n);
	for (size_t i = 1; holes && i < n; i += 1 + n / 4) {
		CU_ASSERT_EQUAL(percu_vec_remove_nil(&v, i), 0);
		model[i] = NULL;
	}
	live = percu_vec_live(&v);
	for (size_t i = 0; i < n; i++) {
		if (model[i] && ((int *)model[i] - object) % (long)every == 0)
			gone++;
		else if (model[i])
			model[to++] = model[i];
	}
	len = to;
	CU_ASSERT_EQUAL(percu_vec_remove_if(&v, ask, &a), (ssize_t)gone);
	CU_ASSERT_EQUAL(a.n, live);
	CU_ASSERT_EQUAL(a.wrong, 0);
	end();
}

static void removes_if(void)
{
	for_each_length(n)
	{
		removes_if_every(n, 2, true);
		removes_if_every(n, 1, true);
		removes_if_every(n, 5000, false);
		removes_if_every(n, 5000, true);
		removes_if_every(n, 1 << 20, false);
	}
}

static void truncates(void)
{
	static const size_t parts[] = { 0, 1, 2, 50, 99, 100 };

	for_each_length(n)
	{
		for (int i = 0; i < 6; i++) {
			begin(&released, n);
			CU_ASSERT_EQUAL(percu_vec_truncate(&v, n + 1), -ERANGE);
			len = n * parts[i] / 100;
			CU_ASSERT_EQUAL(percu_vec_truncate(&v, len), 0);
			CU_ASSERT(same());
			model[len++] = next_object();
			CU_ASSERT_EQUAL(percu_vec_append(&v, model[len - 1]),
					0);
			end();
		}
	}
}

/* Batches. ---------------------------------------------------------------- */

static void batch_edits(struct percu_vec_batch *b, struct check_rand *r)
{
	size_t wrong = 0;

	for (int k = 0; k < 300; k++) {
		size_t i = check_rand_below(r, (uint32_t)len + 1);
		uint32_t what = check_rand_below(r, 4);

		if (what == 0 || i == len) {
			model_open(i, next_object());
			wrong += percu_vec_batch_insert(b, i, model[i]) != 0;
		} else if (what == 1) {
			model[len++] = next_object();
			wrong += percu_vec_batch_append(b, model[len - 1]) != 0;
		} else if (what == 2) {
			model[i] = next_object();
			wrong += percu_vec_batch_replace(b, i, model[i]) != 0;
		} else {
			wrong += percu_vec_batch_remove(b, i) != 0;
			model_close(i);
		}
		wrong += percu_vec_batch_len(b) != len;
		wrong += len &&
			 percu_vec_batch_get(b, i % len) != model[i % len];
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* Laws: readers see none of it before the commit, and all of it after. */
static void batches(void)
{
	struct check_rand r = { check_seed() };
	struct percu_vec_batch b;

	for_each_length(n)
	{
		const struct percu_node *root;

		begin(&released, n);
		root = v.root;
		CU_ASSERT_EQUAL_FATAL(percu_vec_batch_begin(&b, &v), 0);
		CU_ASSERT_EQUAL(percu_vec_batch_insert(&b, n + 1, object),
				-ERANGE);
		CU_ASSERT_EQUAL(percu_vec_batch_remove(&b, n), -ERANGE);
		CU_ASSERT_EQUAL(percu_vec_batch_append(&b, NULL), -EINVAL);
		CU_ASSERT_PTR_NULL(percu_vec_batch_get(&b, n));
		batch_edits(&b, &r);
		CU_ASSERT_PTR_EQUAL(v.root, root);
		CU_ASSERT_EQUAL(vec_len(), n);
		CU_ASSERT_EQUAL(percu_vec_batch_commit(&b), 0);
		end();
	}
}

/* Law: an abort gives back what was given, and nothing has happened. */
static void aborts(void)
{
	static void *before[OBJECTS];
	struct check_rand r = { check_seed() };
	struct percu_vec_batch b;

	for_each_length(n)
	{
		begin(&released, n);
		memcpy(before, model, sizeof(before));
		CU_ASSERT_EQUAL_FATAL(percu_vec_batch_begin(&b, &v), 0);
		batch_edits(&b, &r);
		percu_vec_batch_abort(&b);
		memcpy(model, before, sizeof(before));
		len = n;
		used = (unsigned int)n;
		end();
	}
}

/* The form. --------------------------------------------------------------- */

/* Law: a vector that swings around a border keeps its form. */
static void hysteresis(void)
{
	begin(&released, FLAT_MAX);
	CU_ASSERT_EQUAL(node_level(v.root), 0);
	model[len++] = next_object();
	CU_ASSERT_EQUAL(percu_vec_append(&v, model[len - 1]), 0);
	CU_ASSERT_EQUAL(node_level(v.root), 1);
	while (len > FLAT_BACK + 1) {
		CU_ASSERT_EQUAL(node_level(v.root), 1);
		CU_ASSERT_EQUAL(percu_vec_remove(&v, 1), 0);
		model_close(1);
	}
	CU_ASSERT_EQUAL(percu_vec_remove(&v, 1), 0);
	model_close(1);
	CU_ASSERT_EQUAL(node_level(v.root), 0);
	end();
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

static const CU_TestInfo tests[] = { { "init and destroy", makes },
				     { "capacity and reserve", reserves },
				     { "objects go to a pool, or nowhere",
				       to_pool },
				     { "for_each", loops },
				     { "views stay", views },
				     { "append", appends },
				     { "append in place", appends_in_place },
				     { "insert", inserts },
				     { "replace", replaces },
				     { "compact and clip", compacts },
				     { "remove and take", removes },
				     { "remove_swap", removes_swap },
				     { "remove_swap in place", swaps_in_place },
				     { "remove_nil", removes_nil },
				     { "remove_exact", removes_exact },
				     { "remove_if", removes_if },
				     { "truncate", truncates },
				     { "batch", batches },
				     { "batch abort", aborts },
				     { "form", hysteresis },
				     { "misuse", misuse },
				     { "check", audits },
				     CU_TEST_INFO_NULL };

int main(int argc, char **argv)
{
	if (pools_again(argc, argv, agains))
		return 0;
	return check_main("vec", tests);
}
