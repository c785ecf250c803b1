/* SPDX-License-Identifier: MIT */
/*
 * percu/cleanup.h - a scope's end puts what the scope got
 *
 * Go's defer, as the kernel's __free() does it: the variable carries the
 * function that disposes of its value, and the compiler calls it on every way
 * out of the scope.
 *
 *	struct conn *c percu_auto(conn) = percu_pool_get(conns);
 *
 *	if (!c || setup(c))
 *		return -1;			(c is put)
 *	queue(percu_no_free(c));		(c now belongs to the queue)
 *
 * PERCU_DEFINE_AUTO(conn, struct conn *, percu_pool_put(conns, _T)) made the
 * name; percu_auto(free) is there for blocks of percu/alloc.h.  A NULL is
 * never disposed of.
 */
#ifndef PERCU_CLEANUP_H
#define PERCU_CLEANUP_H

#include <percu/alloc.h>

/**
 * PERCU_DEFINE_AUTO() - name a way to dispose of a variable
 * @name: what percu_auto() is to be given
 * @type: the variable's type, a pointer
 * @expr: disposes of the value, which it calls _T; runs only if _T is not
 *	NULL, and leaves errno to what it calls
 */
#define PERCU_DEFINE_AUTO(name, type, expr)           \
	static inline void percu_auto_##name(void *p) \
	{                                             \
		type _T = *(type *)p;                 \
                                                      \
		if (_T) {                             \
			expr;                         \
		}                                     \
	}

/**
 * percu_auto() - dispose of this variable at the end of its scope
 * @name: "free", or one that PERCU_DEFINE_AUTO() has made
 */
#define percu_auto(name) __attribute__((__cleanup__(percu_auto_##name)))

/**
 * percu_no_free() - take the value out of a percu_auto() variable
 * @var: the variable, which is NULL from then on
 *
 * Return: its value, now the caller's to dispose of.
 */
#define percu_no_free(var)                          \
	__extension__({                             \
		__typeof__(var) percu_val_ = (var); \
		(var) = NULL;                       \
		percu_val_;                         \
	})

PERCU_DEFINE_AUTO(free, void *, percu_free(_T))

#endif /* PERCU_CLEANUP_H */
