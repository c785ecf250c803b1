/* SPDX-License-Identifier: MIT */
/*
 * tests/load/order.c - a program that uses percu before main() and after it
 *
 * Whoever comes first sets the library up, and nobody takes it down: at every
 * stage a block and an object are had, and those of the stage before are given
 * back.  Says which stages there were, and in which mode; exits with 1 where
 * something was not as it should be.
 *
 * OTHER: linked with other.c's library, which has a constructor too.
 */
#include <percu/alloc.h>
#include <percu/pool.h>
#include <percu/stats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef OTHER
int other_stage(void);
#endif

static struct percu_pool *pool;
static char *block, *object;
static char said[512];

static void fail(const char *stage, const char *what)
{
	fprintf(stderr, "%s: %s\n", stage, what);
	_exit(1);
}

static void stage(const char *name)
{
	const struct percu_pool_attr attr = { .name = "order", .size = 40 };

	if (!pool)
		pool = percu_pool_create(&attr);
	if (block && (strcmp(block, "block") || strcmp(object, "object")))
		fail(name, "what was written before is gone");
	percu_free(block);
	if (object)
		percu_pool_put(pool, object);
	block = percu_alloc(sizeof("block"));
	object = percu_pool_get(pool);
	if (!block || !object)
		fail(name, "no memory");
	strcpy(block, "block");
	strcpy(object, "object");
	percu_free(percu_zalloc(100000));
	percu_age();
	strcat(said, name);
	strcat(said, " ");
}

/* A sanitizer wants to be first. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static void preinit(void)
{
	stage("preinit");
}

__attribute__((section(".preinit_array"),
	       used)) static void (*const at_preinit)(void) = preinit;
#endif

__attribute__((constructor(101))) static void constructor_101(void)
{
	stage("constructor-101");
}

__attribute__((constructor(102))) static void constructor_102(void)
{
	stage("constructor-102");
}

__attribute__((constructor)) static void constructor(void)
{
	stage("constructor");
}

static void at_exit(void)
{
	stage("atexit");
}

__attribute__((destructor)) static void destructor(void)
{
	stage("destructor");
}

/* The last of the program's own: all is given back. */
__attribute__((destructor(101))) static void destructor_101(void)
{
	struct percu_memstats ms;
	ssize_t n;

	stage("destructor-101");
	percu_free(block);
	percu_pool_put(pool, object);
	if (percu_pool_destroy(pool))
		fail("destructor-101", "the pool is busy");
	percu_memstats(&ms);
	if (ms.mallocs != ms.frees || ms.alloc)
		fail("destructor-101", "something is left");
	strcat(said, percu_mode());
	strcat(said, "\n");
	n = write(STDOUT_FILENO, said, strlen(said));
	(void)n;
}

int main(void)
{
	stage("main");
#ifdef OTHER
	if (!other_stage())
		fail("main", "the other library's constructor has not run");
#endif
	return atexit(at_exit);
}
