/* SPDX-License-Identifier: MIT */
/*
 * percu/define.h - pools that are defined like a variable
 *
 *	PERCU_POOL_DEFINE(conn, struct conn, .ctor = conn_ctor, .limit = 1000);
 *
 *	struct conn *c = conn_get();
 *
 *	conn_put(c);
 *
 * The line defines a pool that exists from the start of the program, of this
 * file alone, and typed functions for it:
 *
 *	struct conn *conn_get(void);		percu_pool_get()
 *	void conn_put(struct conn *c);		percu_pool_put()
 *	void conn_put_rcu(struct conn *c);	percu_pool_put_rcu()
 *	struct percu_pool *conn_pool(void);	for all else; NULL and errno
 *	int conn_destroy(void);			percu_pool_destroy()
 *
 * Nobody initialises it: the first use in any thread, constructors of the
 * program included, makes the pool.  A hit then costs what it costs with a
 * pool in a static variable, and the test that there is one.
 *
 * A pool that several files use is declared in their header, and defined in
 * one of them:
 *
 *	PERCU_POOL_DECLARE(conn, struct conn);
 *	PERCU_POOL_DEFINE_SHARED(conn, struct conn, .limit = 1000);
 *
 * The further attributes are those of struct percu_pool_attr, in their order.
 * Name, size and alignment are given already.  C++ before C++20 has no
 * designated initialisers: there the others go without their names, from ctor
 * on.
 *
 * For conn_put_rcu() the header of the readers' flavor is included before the
 * line; see <percu/flavor.h>.  With <percu/inline.h> included before it, get and
 * put are inlined all the way.
 *
 * Not for: foreign objects (attr.create), which have no type that percu knows;
 * a plugin that dlclose() takes away, unless it calls conn_destroy() before.
 */
#ifndef PERCU_DEFINE_H
#define PERCU_DEFINE_H

#include <percu/pool.h>

PERCU_BEGIN_DECLS

/**
 * struct percu_pool_def - what PERCU_POOL_DEFINE() defines
 */
struct percu_pool_def {
	/* private: */
	struct percu_pool *pool;     /* (a) NULL: nobody has used it yet */
	struct percu_pool_attr attr; /* (c) */
};

/**
 * percu_pool_defined() - the pool of a definition
 * @def: the definition
 *
 * Makes it if there is none.  Of threads that come first at the same moment
 * each makes one, and all but one end theirs before anybody has seen it: so a
 * ctor may run for objects of the reserve that only a dtor sees again.
 *
 * Context: as percu_pool_create().
 * Return: the pool; NULL with errno as percu_pool_create(), and the next call
 * tries again; NULL with EAGAIN in a signal handler that has interrupted percu
 * itself.
 */
PERCU_API PERCU_COLD PERCU_NONNULL(1) struct percu_pool *percu_pool_defined(
	struct percu_pool_def *def);

/**
 * percu_pool_def_get() - percu_pool_get() through a definition
 * @def: the definition
 *
 * What the defined functions do where there is no pool yet.
 *
 * Context: as percu_pool_defined(), then as percu_pool_get().
 * Return: as percu_pool_get(); NULL with errno as percu_pool_defined().
 */
PERCU_API PERCU_COLD
	PERCU_NONNULL(1) void *percu_pool_def_get(struct percu_pool_def *def);

/**
 * percu_pool_def_put() - percu_pool_put() through a definition
 * @def: the definition
 * @obj: an object that is out, or NULL
 *
 * An object, where there is no pool to have come from, is misuse.
 *
 * Context: as percu_pool_put().
 */
PERCU_API PERCU_COLD
	PERCU_NONNULL(1) void percu_pool_def_put(struct percu_pool_def *def,
						 void *obj);

/**
 * percu_pool_def_destroy() - percu_pool_destroy() of a definition's pool
 * @def: the definition
 *
 * A later use makes a new pool.
 *
 * Context: as percu_pool_destroy(); no other thread uses the definition.
 * Return: as percu_pool_destroy(); 0 too if nobody has used it.
 */
PERCU_API
PERCU_NONNULL(1) int percu_pool_def_destroy(struct percu_pool_def *def);

/* private: acquire: who finds the pool finds all of it; percu_pool_defined() */
static inline struct percu_pool *
percu_pool_def_peek(const struct percu_pool_def *def)
{
	return __atomic_load_n(&def->pool, __ATOMIC_ACQUIRE);
}

PERCU_END_DECLS

#ifdef __cplusplus
#define PERCU_DEFINE_ASSERT_(cond, text) static_assert(cond, text)
#else
#define PERCU_DEFINE_ASSERT_(cond, text) _Static_assert(cond, text)
#endif

/* C++ wants to be told of each member, even of those that are zero. */
#ifdef __cplusplus
#define PERCU_DEFINE_BEGIN_                     \
	_Pragma("GCC diagnostic push") _Pragma( \
		"GCC diagnostic ignored \"-Wmissing-field-initializers\"")
#define PERCU_DEFINE_END_ _Pragma("GCC diagnostic pop")
#else
#define PERCU_DEFINE_BEGIN_
#define PERCU_DEFINE_END_
#endif

/* 0 is the natural alignment, which can be more than a small type's own. */
#define PERCU_DEFINE_ALIGN_(type) \
	(__alignof__(type) > 16 ? __alignof__(type) : 0)

/* The definition's value; ... ends with a comma. */
#if !defined(__cplusplus) || __cplusplus >= 202002L
#define PERCU_DEFINE_INIT_(name_, type, ...)                \
	{                                                   \
		.pool = NULL, .attr = {                     \
			.name = #name_,                     \
			.size = sizeof(type),               \
			.align = PERCU_DEFINE_ALIGN_(type), \
			__VA_ARGS__                         \
		}                                           \
	}
#else
#define PERCU_DEFINE_NAME_(name) #name
#define PERCU_DEFINE_INIT_(name_, type, ...)                           \
	{                                                              \
		NULL,                                                  \
		{                                                      \
			PERCU_DEFINE_NAME_(name_), sizeof(type),       \
				PERCU_DEFINE_ALIGN_(type), __VA_ARGS__ \
		}                                                      \
	}
#endif

#define PERCU_DEFINE_FN_ static inline __attribute__((__unused__))

#define PERCU_DEFINE_FNS_(name, type)                                          \
	PERCU_DEFINE_FN_ struct percu_pool *name##_pool(void)                  \
	{                                                                      \
		struct percu_pool *p_ = percu_pool_def_peek(&name##_pool_def); \
                                                                               \
		return p_ ? p_ : percu_pool_defined(&name##_pool_def);         \
	}                                                                      \
	PERCU_DEFINE_FN_ type *name##_get(void)                                \
	{                                                                      \
		struct percu_pool *p_ = percu_pool_def_peek(&name##_pool_def); \
                                                                               \
		if (__builtin_expect(p_ != NULL, 1))                           \
			return (type *)percu_pool_get(p_);                     \
		return (type *)percu_pool_def_get(&name##_pool_def);           \
	}                                                                      \
	PERCU_DEFINE_FN_ void name##_put(type *obj_)                           \
	{                                                                      \
		struct percu_pool *p_ = percu_pool_def_peek(&name##_pool_def); \
                                                                               \
		if (__builtin_expect(p_ != NULL, 1))                           \
			percu_pool_put(p_, obj_);                              \
		else                                                           \
			percu_pool_def_put(&name##_pool_def, obj_);            \
	}                                                                      \
	PERCU_DEFINE_FN_ void name##_put_rcu(type *obj_)                       \
	{                                                                      \
		struct percu_pool *p_ = percu_pool_def_peek(&name##_pool_def); \
                                                                               \
		if (__builtin_expect(p_ != NULL, 1))                           \
			percu_pool_put_rcu(p_, obj_);                          \
		else                                                           \
			percu_pool_def_put(&name##_pool_def, obj_);            \
	}                                                                      \
	PERCU_DEFINE_FN_ int name##_destroy(void)                              \
	{                                                                      \
		return percu_pool_def_destroy(&name##_pool_def);               \
	}                                                                      \
	PERCU_DEFINE_ASSERT_(sizeof(type) > 0 && sizeof(type) <= 256 * 1024 && \
				     __alignof__(type) <= 4096,                \
			     "percu: a pool's objects are at most 256 KiB, "   \
			     "aligned to at most 4096")

#define PERCU_DEFINE_STATIC_(name, type, ...)                \
	PERCU_DEFINE_BEGIN_                                  \
	static struct percu_pool_def name##_pool_def =       \
		PERCU_DEFINE_INIT_(name, type, __VA_ARGS__); \
	PERCU_DEFINE_END_                                    \
	PERCU_DEFINE_FNS_(name, type)

#define PERCU_DEFINE_SHARED_(name, type, ...)                \
	PERCU_DEFINE_BEGIN_                                  \
	struct percu_pool_def name##_pool_def =              \
		PERCU_DEFINE_INIT_(name, type, __VA_ARGS__); \
	PERCU_DEFINE_END_                                    \
	PERCU_DEFINE_ASSERT_(sizeof(struct percu_pool_def) > 0, "")

/* public: */

/**
 * PERCU_POOL_DEFINE() - define a pool, and functions of its name
 * @name: the pool's, and what the functions' names begin with
 * @type: of the objects
 * @...: further attributes: .ctor = ..., .limit = ..., in the order of struct
 *	percu_pool_attr
 *
 * At file scope; the pool is of this file.
 */
#define PERCU_POOL_DEFINE(...) PERCU_DEFINE_STATIC_(__VA_ARGS__, )

/**
 * PERCU_POOL_DECLARE() - declare a pool that another file defines
 * @name: the pool's, and what the functions' names begin with
 * @type: of the objects
 *
 * At file scope, in a header as a rule.
 */
#define PERCU_POOL_DECLARE(name, type)                \
	extern struct percu_pool_def name##_pool_def; \
	PERCU_DEFINE_FNS_(name, type)

/**
 * PERCU_POOL_DEFINE_SHARED() - define a pool that was declared
 * @name: as PERCU_POOL_DECLARE()
 * @type: the same
 * @...: as PERCU_POOL_DEFINE()
 */
#define PERCU_POOL_DEFINE_SHARED(...) PERCU_DEFINE_SHARED_(__VA_ARGS__, )

#endif /* PERCU_DEFINE_H */
