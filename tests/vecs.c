/* SPDX-License-Identifier: MIT */
/*
 * tests/vecs.c - what the tests of percu/vec.h share
 */
#include <string.h>
#include <urcu-bp.h>

#include <percu/pool.h>
#include <percu/stats.h>

#include "tests/check.h"
#include "tests/vecs.h"
#include "vec/vec.h"

int object[OBJECTS];
unsigned int used;

struct percu_vec v;
void *want[OBJECTS];
size_t want_len;

static void release(void *obj, void *arg)
{
	/* By another thread; a wrong arg shows as a wrong count. */
	__atomic_add_fetch((int *)obj, arg == object ? 1 : 100,
			   __ATOMIC_RELAXED);
}

const struct percu_vec_attr released = {
	.name = "tested",
	.release = release,
	.arg = object,
};

const struct percu_vec_attr placed = {
	.name = "tested",
	.release = release,
	.arg = object,
	.flags = PERCU_VEC_INPLACE,
};

const size_t vec_lengths[LENGTHS] = { 0,
				      1,
				      2,
				      30,
				      FLAT_MAX - 1,
				      FLAT_MAX,
				      FLAT_MAX + 1,
				      LEAF_MAX *KIDS_MAX + LEAF_MAX / 2 };

void *next_object(void)
{
	return &object[used++];
}

void *slot(size_t i)
{
	void *obj;

	rcu_read_lock();
	obj = percu_vec_get(&v, i);
	rcu_read_unlock();
	return obj;
}

size_t vec_len(void)
{
	size_t n;

	rcu_read_lock();
	n = percu_vec_len(&v);
	rcu_read_unlock();
	return n;
}

/* Law: each way to read says what the want says; the audit says nothing. */
bool same(void)
{
	size_t i, seen = 0, live = 0, wrong = 0;
	struct percu_view view;
	void *obj;

	for (i = 0; i < want_len; i++)
		live += want[i] != NULL;
	rcu_read_lock();
	view = percu_vec_view(&v);
	wrong += percu_view_len(view) != want_len ||
		 percu_vec_len(&v) != want_len;
	for (i = 0; i < want_len; i++)
		wrong += percu_view_get(view, i) != want[i] ||
			 percu_vec_get(&v, i) != want[i];
	wrong += percu_view_get(view, want_len) || percu_vec_get(&v, want_len);
	percu_view_for_each (view, i, obj) {
		wrong += obj != want[i];
		seen++;
	}
	rcu_read_unlock();
	wrong += seen != live || percu_vec_live(&v) != live;
	return !wrong && !percu_vec_check(&v);
}

/* Law: what is in no slot was released once, what is in one was not. */
bool released_once(void)
{
	size_t wrong = 0;

	percu_barrier();
	for (size_t i = 0; i < want_len; i++)
		if (want[i])
			wrong += object[(int *)want[i] - object]++ != 0;
	for (unsigned int i = 0; i < used; i++)
		wrong += object[i] != 1;
	for (size_t i = 0; i < want_len; i++)
		if (want[i])
			object[(int *)want[i] - object]--;
	return !wrong;
}

/* Bytes out, before there was a vector. */
static uint64_t alloc;

static uint64_t alloc_now(void)
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	return ms.alloc;
}

/* A vector of n objects that was appended to. */
void begin(const struct percu_vec_attr *attr, size_t n)
{
	memset(object, 0, sizeof(object));
	used = 0;
	alloc = alloc_now();
	CU_ASSERT_EQUAL_FATAL(percu_vec_init(&v, attr), 0);
	for (want_len = 0; want_len < n; want_len++) {
		want[want_len] = next_object();
		CU_ASSERT_EQUAL(percu_vec_append(&v, want[want_len]), 0);
	}
}

void end(void)
{
	CU_ASSERT(same());
	CU_ASSERT(released_once());
	percu_vec_destroy(&v);
	want_len = 0;
	CU_ASSERT(released_once());
	CU_ASSERT_EQUAL(alloc_now(), alloc); /* no node is left */
}

void model_open(size_t i, void *obj)
{
	memmove(&want[i + 1], &want[i], (want_len++ - i) * sizeof(*want));
	want[i] = obj;
}

void model_close(size_t i)
{
	memmove(&want[i], &want[i + 1], (--want_len - i) * sizeof(*want));
}
