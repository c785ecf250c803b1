/* SPDX-License-Identifier: MIT */
/*
 * tests/tools/threads.c - objects that go from thread to thread, for TSan to see
 *
 *	threads right|race pool|foreign|alloc|large
 *
 * right: nothing but the pool orders what one thread writes and another reads.
 * race: two threads write to one object that is out.
 * fork: the program forks, with many pools, and goes on.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <percu/alloc.h>
#include <percu/pool.h>

enum {
	NR_THREADS = 4,
	NR_TURNS = 3000,
	NR_HELD = 5,
	NR_POOLS = 100,
};

static struct percu_pool *pool;
static size_t size = 64;

static void *create(void *arg)
{
	(void)arg;
	return malloc(size);
}

static void destroy(void *obj, void *arg)
{
	(void)arg;
	free(obj);
}

static int prepare(const char *kind)
{
	struct percu_pool_attr attr = { .name = kind };

	if (!strcmp(kind, "large"))
		size = 100000;
	if (!strcmp(kind, "pool")) {
		attr.size = size;
	} else if (!strcmp(kind, "foreign")) {
		attr.create = create;
		attr.destroy = destroy;
	} else {
		return 0;
	}
	pool = percu_pool_create(&attr);
	return pool ? 0 : -1;
}

static int *take(void)
{
	int *p = pool ? percu_pool_get(pool) : percu_alloc(size);

	if (!p)
		exit(2);
	return p;
}

static void give(int *p)
{
	if (pool)
		percu_pool_put(pool, p);
	else
		percu_free(p);
}

static void *turn(void *arg)
{
	int *held[NR_HELD];

	for (int i = 0; i < NR_TURNS; i++) {
		for (int k = 0; k < NR_HELD; k++) {
			held[k] = take();
			held[k][0] = i;
			held[k][size / sizeof(int) - 1] = i;
		}
		for (int k = 0; k < NR_HELD; k++)
			give(held[k]);
	}
	return arg;
}

__attribute__((noinline)) static void *write_shared(void *arg)
{
	*(volatile int *)arg = 1;
	return arg;
}

static void run(unsigned int n, void *(*fn)(void *arg), void *arg)
{
	pthread_t threads[NR_THREADS];

	for (unsigned int i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, fn, arg))
			exit(2);
	for (unsigned int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static int fork_many(void)
{
	const struct percu_pool_attr attr = { .name = "one of many",
					      .size = 64 };
	int status = -1;
	pid_t pid;

	for (int i = 0; i < NR_POOLS; i++) {
		struct percu_pool *p = percu_pool_create(&attr);

		if (!p)
			return 2;
		percu_pool_put(p, percu_pool_get(p));
	}
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 100; i++)
			give(take());
		_exit(0);
	}
	give(take());
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : 2;
}

int main(int argc, char **argv)
{
	int *shared;

	if (argc < 3 || prepare(argv[2]))
		return 2;
	if (!strcmp(argv[1], "fork"))
		return fork_many() != 0;
	if (!strcmp(argv[1], "right")) {
		run(NR_THREADS, turn, NULL);
		return 0;
	}
	shared = take();
	run(2, write_shared, shared);
	give(shared);
	return 0;
}
