/* SPDX-License-Identifier: MIT */
/*
 * tests/misuse/misuse.h - what the small programs of this folder share
 *
 * Each program commits one abuse and must not survive it.  Before it does, it
 * writes on stdout the line that percu must then write on stderr, all of it;
 * test_misuse compares the two.  A program that gets further than it should
 * says where on stdout, and exits.
 *
 * Words
 *	at once		by the very call that is wrong: in debug mode, and
 *			where a tool has every pool instrumented
 *	late		when the object leaves the CPU
 */
#ifndef PERCU_TESTS_MISUSE_H
#define PERCU_TESTS_MISUSE_H

#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <percu/alloc.h>
#include <percu/buf.h>
#include <percu/pool.h>
#include <percu/stats.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define MISUSE_ASAN 1
#else
#define MISUSE_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define MISUSE_TSAN 1
#else
#define MISUSE_TSAN 0
#endif

enum {
	MISUSE_SECONDS = 60,
	MISUSE_TOOL = MISUSE_ASAN || MISUSE_TSAN,
	MISUSE_REDZONE = MISUSE_ASAN ? 16 : 0,
	MISUSE_SKIP = 77,
	MISUSE_MANY = 400, /* objects: more than a record and magazines hold */
};

/* The compiler, who would see it coming, no longer knows what p is. */
static inline void *hide(void *p)
{
	__asm__ volatile("" : "+r"(p));
	return p;
}

static inline void *hide_number(uintptr_t n)
{
	return hide((void *)n);
}

static inline bool in_debug(void)
{
#ifdef PERCU_DEBUG
	return true;
#else
	const char *s = getenv("PERCU");

	return s && strstr(s, "debug:1");
#endif
}

static inline bool found_at_once(void)
{
	return MISUSE_TOOL || in_debug();
}

__attribute__((noreturn)) static inline void misuse_exit(const char *what,
							 int status)
{
	puts(what);
	fflush(stdout);
	exit(status);
}

/* The end of main(): nobody said a word. */
__attribute__((noreturn)) static inline void missed(void)
{
	misuse_exit("nothing was found", 1);
}

/* Between the abuse and what makes a release build find it. */
static inline void at_once(void)
{
	if (found_at_once())
		misuse_exit("it was not found at once", 1);
}

static inline void only_at_once(void)
{
	if (!found_at_once())
		misuse_exit("release builds do not look", MISUSE_SKIP);
}

static inline void only_in_debug(void)
{
	if (!in_debug())
		misuse_exit("looked for in debug mode only", MISUSE_SKIP);
}

/* What percu is going to say. */
__attribute__((format(printf, 1, 2))) static inline void expect(const char *fmt,
								...)
{
	va_list ap;

	fputs("percu: misuse: ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/*
 * The first, rightful put.  These are all that their section has, so that
 * what a report says of the place can be compared.
 */
#define FIRST_PUT \
	__attribute__((noinline, used, section("misuse_first"))) static
extern const char __start_misuse_first[], __stop_misuse_first[];

FIRST_PUT void first_put(struct percu_pool *pool, void *obj)
{
	percu_pool_put(pool, obj);
	__asm__ volatile(""); /* a call, and no jump, that comes back here */
}

FIRST_PUT void first_free(void *ptr)
{
	percu_free(ptr);
	__asm__ volatile("");
}

FIRST_PUT void *first_realloc(void *ptr, size_t size)
{
	ptr = percu_realloc(ptr, size);
	__asm__ volatile("" : "+r"(ptr));
	return ptr;
}

FIRST_PUT void first_retire(struct percu_pool *pool, void *obj)
{
	percu_pool_put_rcu(pool, obj);
	__asm__ volatile("");
}

FIRST_PUT void first_free_rcu(void *ptr)
{
	percu_free_rcu(ptr);
	__asm__ volatile("");
}

static inline int bias_of_first(struct dl_phdr_info *info, size_t size,
				void *bias)
{
	(void)size;
	*(uintptr_t *)bias = info->dlpi_addr;
	return 1;
}

/* What was done to the object before; in debug mode percu knows where. */
static inline void expect_site(const char *what, const char *pool,
			       const void *obj, const char *before)
{
	uintptr_t from = (uintptr_t)__start_misuse_first;
	uintptr_t to = (uintptr_t)__stop_misuse_first, bias = 0;

	/* TSan's calls leave no tail call: the library's caller is itself. */
	if (MISUSE_TSAN)
		from = 0, to = UINTPTR_MAX;
	if (!in_debug()) {
		expect("pool %s: %p %s", pool, obj, what);
		return;
	}
	dl_iterate_phdr(bias_of_first, &bias);
	expect("pool %s: %p %s, %s at <%#zx %#zx %#zx>", pool, obj, what,
	       before, (size_t)from, (size_t)to, (size_t)bias);
}

static inline void expect_put(const char *what, const char *pool,
			      const void *obj)
{
	expect_site(what, pool, obj, "first");
}

static inline void expect_twice(const char *pool, const void *obj)
{
	expect_put("was put twice", pool, obj);
}

/* It waits for a grace period, which only who looks at once can say. */
static inline void expect_retired(const char *what, const char *pool,
				  const void *obj)
{
	char text[80];

	snprintf(text, sizeof(text), "was %s while it waits for a grace period",
		 what);
	if (found_at_once())
		expect_site(text, pool, obj, "retired");
	else
		expect_twice(pool, obj);
}

static inline void expect_freed(const char *pool, const void *obj)
{
	expect_put("is used after it was put", pool, obj);
}

/* What hangs is killed, and is not an abort. */
__attribute__((constructor)) static void set_alarm(void)
{
	alarm(MISUSE_SECONDS);
}

static inline void *must(void *p)
{
	if (!p)
		misuse_exit("out of memory", 2);
	return hide(p);
}

static inline struct percu_pool *make_pool(const char *name, size_t size)
{
	const struct percu_pool_attr attr = { .name = name, .size = size };

	return must(percu_pool_create(&attr));
}

static inline void *foreign_create(void *arg)
{
	(void)arg;
	return malloc(32);
}

static inline void foreign_destroy(void *obj, void *arg)
{
	(void)arg;
	free(obj);
}

static inline struct percu_pool *make_foreign_pool(const char *name)
{
	const struct percu_pool_attr attr = { .name = name,
					      .create = foreign_create,
					      .destroy = foreign_destroy };

	return must(percu_pool_create(&attr));
}

static inline struct percu_pool *make_dead_pool(const char *name)
{
	struct percu_pool *pool = make_pool(name, 64), *dead = hide(pool);

	percu_pool_put(pool, must(percu_pool_get(pool)));
	if (percu_pool_destroy(pool))
		misuse_exit("the pool does not end", 2);
	return dead;
}

/* The name of a small block's class; tools have a redzone in it. */
static inline const char *class_for(size_t size)
{
	static char name[32];
	struct percu_memstats ms;

	size += MISUSE_REDZONE;
	percu_memstats(&ms);
	for (int i = 0; i < PERCU_NR_CLASSES_MAX; i++) {
		if (ms.by_size[i].size < size)
			continue;
		snprintf(name, sizeof(name), "size-%zu",
			 (size_t)ms.by_size[i].size);
		break;
	}
	return name;
}

/* Bytes of the pages that a large block has. */
static inline size_t large_size(size_t size)
{
	return (size + MISUSE_REDZONE + 8191) / 8192 * 8192;
}

/* Where each free is a miss, percu_free_sized() looks at the size at once. */
static inline bool size_is_checked(void)
{
	return found_at_once() || !strcmp(percu_mode(), "lock");
}

/* A small block was freed as if it were of another class. */
static inline void expect_size(const void *ptr, size_t is, size_t said)
{
	if (size_is_checked())
		expect("pool %s: %p was freed as %zu bytes", class_for(is), ptr,
		       said);
	else
		expect("pool size-%zu: %p is not an object of this pool (it belongs to pool %s)",
		       percu_good_size(said), ptr, class_for(is));
}

/* A pool is given what is no pool's object. */
static inline struct percu_pool *expect_stranger(const void *obj)
{
	expect("pool victim: %p is not an object of this pool (it is no pool object)",
	       obj);
	return make_pool("victim", 64);
}

__attribute__((noreturn)) static inline void put_stranger(void *obj)
{
	struct percu_pool *pool = expect_stranger(obj);

	percu_pool_put(pool, obj);
	at_once();
	percu_pool_age(pool);
	missed();
}

__attribute__((noreturn)) static inline void retire_stranger(void *obj)
{
	struct percu_pool *pool = expect_stranger(obj);

	percu_pool_put_rcu(pool, obj);
	at_once();
	percu_pool_barrier(pool);
	percu_pool_age(pool);
	missed();
}

/* Puts so many other objects that what lies in the record must leave it. */
static inline void put_many(struct percu_pool *pool, void **objs)
{
	for (int i = 0; i < MISUSE_MANY; i++)
		percu_pool_put(pool, objs[i]);
}

static inline void get_many(struct percu_pool *pool, void **objs)
{
	for (int i = 0; i < MISUSE_MANY; i++)
		objs[i] = must(percu_pool_get(pool));
}

/* A slice of so many bytes; it has its block for itself. */
static inline struct percu_slice make_slice(size_t len)
{
	struct percu_buf *b = must(percu_buf_get(len));
	struct percu_slice s;

	memset(b->data, 'x', b->len = len);
	s = percu_slice_of(b, 0, len);
	percu_buf_put(b);
	must(s.block);
	return s;
}

#endif /* PERCU_TESTS_MISUSE_H */
