/* SPDX-License-Identifier: MIT */
/*
 * pool/define.c - pools that are defined like a variable
 *
 * A definition is a pointer and attributes, both in the program's data.  The
 * pointer is NULL until the first use, which makes the pool and publishes it by
 * one compare-and-swap.  Nobody waits for anybody: a maker may be a handler
 * that has interrupted a maker, or the only thread of a child that was forked
 * while another was making.  Who comes second ends what he has made; where the
 * system refuses even that, an empty pool stays.
 */
#include <errno.h>

#include <percu/define.h>

#include "pool/pool.h"
#include "sys/report.h"

PERCU_API struct percu_pool *percu_pool_defined(struct percu_pool_def *def)
{
	struct percu_pool *first = percu_pool_def_peek(def), *p;

	if (first)
		return first;
	if (in_handler()) {
		errno = EAGAIN;
		return NULL;
	}
	p = percu_pool_create(&def->attr);
	if (!p)
		return NULL;
	if (__atomic_compare_exchange_n(&def->pool, &first, p, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return p;
	percu_pool_destroy(p);
	return first;
}

PERCU_API void *percu_pool_def_get(struct percu_pool_def *def)
{
	struct percu_pool *p = percu_pool_defined(def);

	return p ? percu_pool_get(p) : NULL;
}

/* The pool that an object came from was published before the object was. */
PERCU_API void percu_pool_def_put(struct percu_pool_def *def, void *obj)
{
	struct percu_pool *p = percu_pool_def_peek(def);

	if (p)
		percu_pool_put(p, obj);
	else if (obj)
		report_misuse("pool %s: %p is not an object of this pool",
			      def->attr.name, obj);
}

PERCU_API int percu_pool_def_destroy(struct percu_pool_def *def)
{
	struct percu_pool *p = percu_pool_def_peek(def);
	int err = p ? percu_pool_destroy(p) : 0;

	if (!err)
		__atomic_store_n(&def->pool, NULL, __ATOMIC_RELEASE);
	return err;
}
