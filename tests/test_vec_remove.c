/* SPDX-License-Identifier: MIT */
/*
 * tests/test_vec_remove.c - what percu/vec.h says of removals and batches
 */
#include <errno.h>
#include <string.h>
#include <urcu-bp.h>

#include "tests/check.h"
#include "tests/vecs.h"
#include "vec/vec.h"

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
	while (want_len && wrong < 10) {
		size_t i = want_len % 100 ?
				   check_rand_below(&r, (uint32_t)want_len) :
				   want_len - 1;

		wrong += fn(&v, i) != 0;
		if (swap)
			want[i] = want[--want_len];
		else
			model_close(i);
		if (want_len % (1 + n / 20) == 0)
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
		removes_all(&placed, n, percu_vec_remove_swap, true);
	}
}

/* Law: in place there is no copy, and no slot is used again at once. */
static void swaps_in_place(void)
{
	const struct percu_node *root;
	uint64_t copies;

	begin(&placed, 500);
	root = v.root;
	copies = v.writer->paths[VEC_COPY_FLAT];
	CU_ASSERT_EQUAL(percu_vec_remove_swap(&v, 7), 0);
	want[7] = want[--want_len];
	CU_ASSERT_PTR_EQUAL(v.root, root);
	CU_ASSERT_EQUAL(v.writer->paths[VEC_COPY_FLAT], copies);
	CU_ASSERT_PTR_NULL(root->slot[499]);
	rcu_read_lock(); /* no grace period passes */
	CU_ASSERT_EQUAL(percu_vec_remove_swap(&v, 8), 0);
	want[8] = want[--want_len];
	want[want_len++] = next_object();
	CU_ASSERT_EQUAL(percu_vec_append(&v, want[want_len - 1]), 0);
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
			want[i] = NULL;
		}
		CU_ASSERT_PTR_EQUAL(v.root, root);
		CU_ASSERT(same());
		errno = 0;
		if (n) {
			CU_ASSERT_PTR_NULL(percu_vec_take(&v, 0));
			CU_ASSERT_EQUAL(errno, ENOENT);
			model_close(0);
		}
		CU_ASSERT_PTR_NULL(percu_vec_take(&v, want_len));
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
		for (int i = 0; i < 3 && want_len; i++) {
			CU_ASSERT_EQUAL(
				percu_vec_remove_exact(&v, want_len / 2), 0);
			model_close(want_len / 2);
			CU_ASSERT(node_level(v.root) ||
				  v.root->cap == want_len);
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
		want[i] = NULL;
	}
	live = percu_vec_live(&v);
	for (size_t i = 0; i < n; i++) {
		if (want[i] && ((int *)want[i] - object) % (long)every == 0)
			gone++;
		else if (want[i])
			want[to++] = want[i];
	}
	want_len = to;
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
			want_len = n * parts[i] / 100;
			CU_ASSERT_EQUAL(percu_vec_truncate(&v, want_len), 0);
			CU_ASSERT(same());
			want[want_len++] = next_object();
			CU_ASSERT_EQUAL(
				percu_vec_append(&v, want[want_len - 1]), 0);
			end();
		}
	}
}

/* Batches. ---------------------------------------------------------------- */

static void batch_edits(struct percu_vec_batch *b, struct check_rand *r)
{
	size_t wrong = 0;

	for (int k = 0; k < 300; k++) {
		size_t i = check_rand_below(r, (uint32_t)want_len + 1);
		uint32_t what = check_rand_below(r, 4);

		if (what == 0 || i == want_len) {
			model_open(i, next_object());
			wrong += percu_vec_batch_insert(b, i, want[i]) != 0;
		} else if (what == 1) {
			want[want_len++] = next_object();
			wrong += percu_vec_batch_append(
					 b, want[want_len - 1]) != 0;
		} else if (what == 2) {
			want[i] = next_object();
			wrong += percu_vec_batch_replace(b, i, want[i]) != 0;
		} else {
			wrong += percu_vec_batch_remove(b, i) != 0;
			model_close(i);
		}
		wrong += percu_vec_batch_len(b) != want_len;
		wrong += want_len && percu_vec_batch_get(b, i % want_len) !=
					     want[i % want_len];
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
		memcpy(before, want, sizeof(before));
		CU_ASSERT_EQUAL_FATAL(percu_vec_batch_begin(&b, &v), 0);
		batch_edits(&b, &r);
		percu_vec_batch_abort(&b);
		memcpy(want, before, sizeof(before));
		want_len = n;
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
	want[want_len++] = next_object();
	CU_ASSERT_EQUAL(percu_vec_append(&v, want[want_len - 1]), 0);
	CU_ASSERT_EQUAL(node_level(v.root), 1);
	while (want_len > FLAT_BACK + 1) {
		CU_ASSERT_EQUAL(node_level(v.root), 1);
		CU_ASSERT_EQUAL(percu_vec_remove(&v, 1), 0);
		model_close(1);
	}
	CU_ASSERT_EQUAL(percu_vec_remove(&v, 1), 0);
	model_close(1);
	CU_ASSERT_EQUAL(node_level(v.root), 0);
	end();
}

static const CU_TestInfo tests[] = {
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
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return check_main("vec_remove", tests);
}
