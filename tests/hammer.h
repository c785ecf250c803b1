/* SPDX-License-Identifier: MIT */
/*
 * tests/hammer.h - threads that use all of the library, until they are told
 *
 * Blocks carry their size and a word that the size gives; they are handed on
 * through shelves, so that most are freed by another thread than allocated
 * them.  Objects of a typed pool are got and put, one by one and in bulk.  One
 * thread in eight ages.  When all is over everything has been given back.
 */
#ifndef PERCU_TESTS_HAMMER_H
#define PERCU_TESTS_HAMMER_H

#include <percu/alloc.h>
#include <pthread.h>
#include <stdatomic.h>

#include "tests/conserve.h"

enum {
	HAMMER_THREADS = 8,
	HAMMER_SHELVES = 64,
	HAMMER_HELD = 40,
};

struct hammer {
	struct percu_pool *pool;
	pthread_t id[HAMMER_THREADS];
	_Atomic bool stop;
	_Atomic(size_t *) shelf[HAMMER_SHELVES];
	_Atomic unsigned long ops, ages, broken;
};

static inline size_t *hammer_block(struct check_rand *r)
{
	uint32_t kind = check_rand_below(r, 100);
	size_t size = 16 + check_rand_below(r, kind < 80 ? 500 :
					       kind < 98 ? 30000 :
							   200000);
	size_t *p = percu_alloc(size);

	if (p) {
		p[0] = size;
		p[1] = ~size;
	}
	return p;
}

/* Is it as it was made? */
static inline bool hammer_free(size_t *p)
{
	bool good = !p || p[1] == ~p[0];

	percu_free(p);
	return good;
}

static inline void hammer_pool(struct hammer *h, struct check_rand *r)
{
	void *objs[HAMMER_HELD];
	size_t n = 1 + check_rand_below(r, HAMMER_HELD);

	if (check_rand_below(r, 2)) {
		n = percu_pool_get_bulk(h->pool, objs, n);
		percu_pool_put_bulk(h->pool, objs, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		objs[i] = percu_pool_get(h->pool);
	while (n)
		percu_pool_put(h->pool, objs[--n]);
}

static inline void hammer_once(struct hammer *h, struct check_rand *r)
{
	uint32_t shelf = check_rand_below(r, HAMMER_SHELVES);

	if (check_rand_below(r, 4))
		hammer_pool(h, r);
	else if (!hammer_free(
			 atomic_exchange(&h->shelf[shelf], hammer_block(r))))
		h->broken++;
	h->ops++;
}

static inline void hammer_age(struct hammer *h)
{
	percu_age();
	percu_pool_age(h->pool);
	percu_pool_shrink(h->pool);
	h->ages++;
	usleep(1000);
}

static inline void *hammer_thread(void *arg)
{
	struct hammer *h = arg;
	struct check_rand r = { (uintptr_t)&r ^ check_seed() };
	bool ages = pthread_equal(pthread_self(), h->id[0]);

	while (!h->stop) {
		if (ages)
			hammer_age(h);
		else
			hammer_once(h, &r);
	}
	return NULL;
}

static inline void hammer_start(struct hammer *h)
{
	const struct percu_pool_attr attr = { .name = "hammered", .size = 72 };

	memset(h, 0, sizeof(*h));
	check_seed();
	h->pool = percu_pool_create(&attr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(h->pool);
	for (int i = 0; i < HAMMER_THREADS; i++)
		CU_ASSERT_FATAL(
			!pthread_create(&h->id[i], NULL, hammer_thread, h));
	while (h->ops < 1000 || !h->ages)
		usleep(100);
}

/* The shelves' blocks: how many were not as they were made. */
static inline unsigned long hammer_clear(struct hammer *h)
{
	unsigned long bad = 0;

	for (int i = 0; i < HAMMER_SHELVES; i++)
		bad += !hammer_free(atomic_exchange(&h->shelf[i], NULL));
	return bad;
}

/* The laws: nothing broken, nothing lost, nothing out. */
static inline void hammer_stop(struct hammer *h)
{
	struct percu_memstats ms;

	h->stop = true;
	for (int i = 0; i < HAMMER_THREADS; i++)
		pthread_join(h->id[i], NULL);
	CU_ASSERT_EQUAL(hammer_clear(h), 0);
	CU_ASSERT_EQUAL(h->broken, 0);
	CU_ASSERT_TRUE(all_conserve());
	CU_ASSERT_EQUAL(stats_of(h->pool).outstanding, 0);
	CU_ASSERT_EQUAL(percu_pool_destroy(h->pool), 0);
	ms = memstats();
	CU_ASSERT_EQUAL(ms.alloc, 0);
	CU_ASSERT_EQUAL(ms.mallocs, ms.frees);
	printf("(%lu turns, %lu ageings) ", h->ops, h->ages);
}

#endif /* PERCU_TESTS_HAMMER_H */
