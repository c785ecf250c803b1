/* SPDX-License-Identifier: MIT */
/*
 * percu/inline.h - get and put inlined into the caller
 *
 * Opt-in: after including this, percu_pool_get() and percu_pool_put() are the
 * hit path in place, about a third of a call's time, and a call on a miss.
 *
 * The price: the object code knows the layout of the library that it was
 * built with.  The functions that it calls on a miss carry the layout's number,
 * so a mismatch fails to link or to load and never runs.  Do not use
 * it in a shared object that is unloaded by dlclose(): the kernel may look at
 * the last sequence's descriptor after the fact (link it with -z nodelete, or
 * use the calls).
 *
 * On machines without restartable sequences these are the calls.
 */
#ifndef PERCU_INLINE_H
#define PERCU_INLINE_H

#include <percu/pool.h>
#include <percu/record.h>

#if PERCU_HAS_RSEQ

PERCU_BEGIN_DECLS

/* private: */
PERCU_API PERCU_COLD void *percu_abi1_get_miss(struct percu_pool *pool);
PERCU_API PERCU_COLD void percu_abi1_put_miss(struct percu_pool *pool,
					      void *obj);

/* public: */

/**
 * percu_pool_get_inline() - percu_pool_get(), inlined
 * @pool: the pool
 *
 * Context, Return: as percu_pool_get().
 */
static inline PERCU_MUST_CHECK void *
percu_pool_get_inline(struct percu_pool *pool)
{
	void *obj;

	if (__builtin_expect(
		    percu_inline_pop((struct percu_front *)(void *)pool, &obj),
		    1))
		return obj;
	return percu_abi1_get_miss(pool);
}

/**
 * percu_pool_put_inline() - percu_pool_put(), inlined
 * @pool: the pool that it came from
 * @obj: an object that is out, or NULL
 *
 * Context: as percu_pool_put().
 */
static inline void percu_pool_put_inline(struct percu_pool *pool, void *obj)
{
	if (__builtin_expect(
		    obj && percu_inline_push((struct percu_front *)(void *)pool,
					     obj),
		    1))
		return;
	percu_abi1_put_miss(pool, obj);
}

PERCU_END_DECLS

#define percu_pool_get(pool)      percu_pool_get_inline(pool)
#define percu_pool_put(pool, obj) percu_pool_put_inline(pool, obj)

#endif /* PERCU_HAS_RSEQ */

#endif /* PERCU_INLINE_H */
