/* SPDX-License-Identifier: MIT */
/*
 * tests/load/dlclose.c - the library is opened, used, closed, and used
 *
 * It does not go: the kernel may still look at the descriptor of the last
 * sequence, and objects are still out.  Another thread is at it all the while.
 */
#include <dlfcn.h>
#include <percu/pool.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *(*alloc)(size_t size);
static void (*release)(void *p);
static struct percu_pool *(*create)(const struct percu_pool_attr *attr);
static int (*destroy)(struct percu_pool *pool);
static void *(*get)(struct percu_pool *pool);
static void (*put)(struct percu_pool *pool, void *obj);

static struct percu_pool *pool;
static atomic_bool stop;
static atomic_ulong turns;

static void must(int law, const char *what)
{
	if (!law) {
		fprintf(stderr, "%s\n", what);
		exit(1);
	}
}

static void *work(void *arg)
{
	while (!stop) {
		void *p = alloc(64), *obj = get(pool);

		must(p && obj, "no memory");
		release(p);
		put(pool, obj);
		turns++;
	}
	return arg;
}

static int mapped(const char *name)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[4096];
	int n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += !!strstr(line, name);
	if (f)
		fclose(f);
	return n;
}

static void *find(void *lib, const char *name)
{
	void *p = dlsym(lib, name);

	must(p != NULL, name);
	return p;
}

int main(int argc, char **argv)
{
	const struct percu_pool_attr attr = { .name = "kept", .size = 64 };
	unsigned long before;
	void *lib, *obj, *p;
	pthread_t id;

	must(argc == 2 && !mapped("libpercu"), "it is there already");
	lib = dlopen(argv[1], RTLD_NOW);
	must(lib != NULL, "dlopen");
	*(void **)&alloc = find(lib, "percu_alloc");
	*(void **)&release = find(lib, "percu_free");
	*(void **)&create = find(lib, "percu_pool_create");
	*(void **)&destroy = find(lib, "percu_pool_destroy");
	*(void **)&get = find(lib, "percu_pool_get");
	*(void **)&put = find(lib, "percu_pool_put");
	pool = create(&attr);
	obj = get(pool);
	p = alloc(1000);
	must(obj && p, "no memory");
	strcpy(obj, "object");
	must(!pthread_create(&id, NULL, work, NULL), "no thread");
	for (int i = 0; i < 100; i++) {
		before = turns;
		must(!dlclose(lib), "dlclose");
		must(mapped("libpercu") > 0, "it is gone");
		while (turns == before)
			sched_yield();
		lib = dlopen(argv[1], RTLD_NOW);
		must(lib != NULL, "dlopen, again");
	}
	dlclose(lib);
	stop = 1;
	pthread_join(id, NULL);
	must(!strcmp(obj, "object"), "what was written is gone");
	put(pool, obj);
	release(p);
	must(!destroy(pool), "the pool is busy");
	printf("%lu turns\n", turns);
	return 0;
}
