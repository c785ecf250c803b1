/* SPDX-License-Identifier: MIT */
/*
 * tests/tools/kept.c - what only percu points to is no leak, for LSan to see
 *
 *	kept object|block|large|foreign|lost
 *
 * lost: the object that points to it was put back, and it is a leak.
 */
#include <stdlib.h>
#include <string.h>

#include <percu/alloc.h>
#include <percu/pool.h>

struct holder {
	void *kept;
	char rest[100];
};

static struct percu_pool *pool;
static struct holder *root;

static void *create(void *arg)
{
	(void)arg;
	return malloc(100);
}

static void destroy(void *obj, void *arg)
{
	(void)arg;
	free(obj);
}

__attribute__((noinline)) static void keep(const char *what)
{
	struct percu_pool_attr attr = { .name = "kept",
					.size = sizeof(struct holder) };

	if (!strcmp(what, "foreign"))
		attr = (struct percu_pool_attr){ .name = "kept",
						 .create = create,
						 .destroy = destroy };
	pool = percu_pool_create(&attr);
	if (!pool)
		exit(2);
	if (!strcmp(what, "foreign")) {
		percu_pool_put(pool, percu_pool_get(pool));
		return;
	}
	if (!strcmp(what, "block"))
		root = percu_alloc(sizeof(*root));
	else if (!strcmp(what, "large"))
		root = percu_alloc((size_t)1 << 20);
	else
		root = percu_pool_get(pool);
	if (!root)
		exit(2);
	root->kept = malloc(100);
	if (!strcmp(what, "lost"))
		percu_pool_put(pool, root);
}

__attribute__((noinline)) static void wipe(void)
{
	char stack[4096];

	memset(stack, 0, sizeof(stack));
	__asm__ volatile("" ::"r"(stack) : "memory");
}

int main(int argc, char **argv)
{
	keep(argc > 1 ? argv[1] : "");
	wipe();
	return 0;
}
