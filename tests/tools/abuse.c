/* SPDX-License-Identifier: MIT */
/*
 * tests/tools/abuse.c - one abuse of one kind of memory, for a tool to see
 *
 *	abuse leak|use|under|over|uninit|right pool|made|small|odd|large|aligned
 *
 * The functions' names are what tests/tools.sh looks for in the reports.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <percu/alloc.h>
#include <percu/pool.h>

#define NOINLINE __attribute__((noinline))

static struct percu_pool *pool;
static size_t size;

static int constructor(void *obj, void *arg)
{
	(void)arg;
	memset(obj, 1, size);
	return 0;
}

static struct percu_pool *make_pool(int (*ctor)(void *obj, void *arg))
{
	const struct percu_pool_attr attr = { .name = "tool",
					      .size = size,
					      .ctor = ctor };

	return percu_pool_create(&attr);
}

/* What memory there is to abuse: how much, and where it is from. */
static int prepare(const char *kind)
{
	if (!strcmp(kind, "pool") || !strcmp(kind, "made")) {
		size = 100;
		pool = make_pool(*kind == 'm' ? constructor : NULL);
		return pool ? 0 : -1;
	}
	if (!strcmp(kind, "small"))
		size = 64;
	else if (!strcmp(kind, "odd") || !strcmp(kind, "aligned"))
		size = 77;
	else if (!strcmp(kind, "large"))
		size = 100001;
	return size ? 0 : -1;
}

NOINLINE static char *take(const char *kind)
{
	char *p;

	if (pool)
		p = percu_pool_get(pool);
	else if (!strcmp(kind, "aligned"))
		p = percu_alloc_aligned(64, size);
	else
		p = percu_alloc(size);
	if (!p)
		exit(2);
	__asm__ volatile("" : "+r"(p));
	return p;
}

NOINLINE static void give(char *p)
{
	if (pool)
		percu_pool_put(pool, p);
	else
		percu_free(p);
	__asm__ volatile("");
}

NOINLINE static void fill(char *p)
{
	memset(p, 7, size);
	__asm__ volatile("" ::"r"(p) : "memory");
}

NOINLINE static void touch(volatile char *p)
{
	*p = 1;
}

NOINLINE static int look(const volatile char *p)
{
	if (*p == 'x')
		puts("an x");
	return *p;
}

/* Some have been out before: the abuse shall not depend on fresh memory. */
static void warm_up(const char *kind)
{
	char *p[40];

	for (int i = 0; i < 40; i++)
		fill(p[i] = take(kind));
	for (int i = 0; i < 40; i++)
		give(p[i]);
}

NOINLINE static void abuse(const char *what, const char *kind)
{
	char *p = take(kind);

	if (!strcmp(what, "leak"))
		return;
	if (!strcmp(what, "use")) {
		fill(p);
		give(p);
		touch(p + size / 2);
		return;
	}
	if (!strcmp(what, "under")) {
		/* ASan sees eight bytes as one: of two, one begins with them. */
		char *q = take(kind);

		touch(((uintptr_t)p % 8 ? q : p) - 1);
		give(q);
	}
	if (!strcmp(what, "over"))
		touch(p + size);
	if (!strcmp(what, "uninit"))
		look(p + size / 2);
	if (!strcmp(what, "right")) {
		fill(p);
		look(p + size - 1);
	}
	give(p);
}

/* What stays on the stack keeps a leaked object reachable. */
NOINLINE static void wipe(void)
{
	char stack[4096];

	memset(stack, 0, sizeof(stack));
	__asm__ volatile("" ::"r"(stack) : "memory");
}

int main(int argc, char **argv)
{
	if (argc < 3 || prepare(argv[2]))
		return 2;
	warm_up(argv[2]);
	abuse(argv[1], argv[2]);
	wipe();
	if (!strcmp(argv[1], "right") && pool && percu_pool_destroy(pool))
		return 2;
	return 0;
}
