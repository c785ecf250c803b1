/* SPDX-License-Identifier: MIT */
/*
 * tests/test_vec_order.c - an edit retires what readers do not find any more
 *
 * Whatever is retired before it is unlinked can be found by a reader that no
 * grace period waits for.  The time between is short, and chance seldom finds
 * it; but before each store that a reader may see an edit calls vec_step, and
 * there it is plain: nothing waits then that did not wait before the edit.
 *
 * All of it is done in one read section, so that what waits only grows.
 *
 * Words: early (retired, and not yet unlinked).
 */
#include <string.h>
#include <urcu-bp.h>

#include "pool/pool.h"
#include "tests/check.h"
#include "tests/conserve.h"
#include "tests/vecs.h"
#include "vec/vec.h"

static uint64_t before;
static unsigned long stores, early, retiring;

/* Nodes in bytes, and objects. */
static uint64_t waiting(void)
{
	uint64_t objects;

	retire_count(v.writer->pool, &objects);
	return memstats().deferred + objects;
}

static void before_store(const char *where)
{
	(void)where;
	stores++;
	early += waiting() != before;
}

static bool every_second(void *obj, void *arg)
{
	(void)arg;
	return ((int *)obj - object) % 2;
}

static void batch(struct percu_vec *vec)
{
	struct percu_vec_batch b;

	CU_ASSERT_EQUAL_FATAL(percu_vec_batch_begin(&b, vec), 0);
	percu_vec_batch_remove(&b, 0);
	percu_vec_batch_replace(&b, 1, next_object());
	percu_vec_batch_append(&b, next_object());
	CU_ASSERT_EQUAL(percu_vec_batch_commit(&b), 0);
}

static void edit(unsigned int what)
{
	size_t len = percu_vec_len(&v);

	switch (what) {
	case 0:
		percu_vec_insert(&v, len / 2, next_object());
		break;
	case 1:
		percu_vec_replace(&v, len / 2, next_object());
		break;
	case 2:
		percu_vec_remove(&v, len / 2);
		break;
	case 3:
		percu_vec_remove_nil(&v, len / 3);
		break;
	case 4:
		percu_vec_remove_exact(&v, len / 2);
		break;
	case 5:
		percu_vec_remove_swap(&v, 1);
		break;
	case 6:
		percu_vec_append(&v, next_object());
		break;
	case 7:
		batch(&v);
		break;
	case 8:
		percu_vec_compact(&v);
		break;
	case 9:
		percu_vec_remove_if(&v, every_second, NULL);
		break;
	case 10:
		percu_vec_truncate(&v, len / 4);
		break;
	}
}

/* Laws: at no store of an edit has it retired anything; behind them it has. */
static void edits(const struct percu_vec_attr *attr, size_t n)
{
	begin(attr, n);
	rcu_read_lock();
	for (unsigned int what = 0; what <= 10; what++) {
		before = waiting();
		vec_step = before_store;
		edit(what);
		vec_step = NULL;
		retiring += waiting() > before;
	}
	rcu_read_unlock();
	percu_vec_destroy(&v);
	percu_barrier();
}

static void behind_its_stores(void)
{
	for_each_length(n)
	{
		if (n < 30)
			continue;
		edits(&released, n);
		edits(&placed, n);
	}
	printf("(%lu stores, %lu edits that retired) ", stores, retiring);
	CU_ASSERT_EQUAL(early, 0);
	CU_ASSERT_TRUE(stores > 100 && retiring > 80);
}

static const CU_TestInfo tests[] = {
	{ "nothing is retired before it is unlinked", behind_its_stores },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return check_main("vec_order", tests);
}
