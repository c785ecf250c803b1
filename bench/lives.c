/* SPDX-License-Identifier: MIT */
/*
 * bench/lives.c - what only mallocs do, for bench/programs.c
 *
 *	larson	  a server's threads: each has 1000 blocks of 8 to 1000 bytes,
 *		  replaces one at random, and after a while leaves all of them
 *		  to a new thread
 *	handover  blocks of 16 to 400 bytes, made by one thread, freed by another
 *	grow	  arrays that grow by realloc(), by halves and by a little
 *	large	  blocks of 40 KB to 2 MB, ten of them at a time, touched
 *	short	  1000 processes that do nothing
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	THREADS = 4,
	SLOTS = 1000,
	RING = 4096,
};

static uint32_t next(uint64_t *r)
{
	*r = *r * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*r >> 33);
}

static void *must(void *ptr)
{
	if (!ptr)
		abort();
	return ptr;
}

struct server {
	void *slot[SLOTS];
	uint64_t r;
};

static void *larson_thread(void *arg)
{
	struct server *s = arg;

	for (int i = 0; i < 50000; i++) {
		uint32_t k = next(&s->r) % SLOTS, size = 8 + next(&s->r) % 993;

		free(s->slot[k]);
		s->slot[k] = must(malloc(size));
		memset(s->slot[k], 1, size < 64 ? size : 64);
	}
	return NULL;
}

static void larson(void)
{
	static struct server server[THREADS];
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		server[i].r = (uint64_t)i + 1;
	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < THREADS; i++)
			if (pthread_create(&t[i], NULL, larson_thread,
					   &server[i]))
				abort();
		for (int i = 0; i < THREADS; i++)
			pthread_join(t[i], NULL);
	}
}

static void *ring[RING];
static uint64_t head, tail;

static void *taker(void *arg)
{
	for (uint64_t i = 0; i < (uint64_t)(uintptr_t)arg; i++) {
		while (__atomic_load_n(&head, __ATOMIC_ACQUIRE) == i)
			sched_yield();
		free(ring[i % RING]);
		__atomic_store_n(&tail, i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void handover(void)
{
	const uint64_t n = 8000000;
	uint64_t r = 1;
	pthread_t t;

	if (pthread_create(&t, NULL, taker, (void *)(uintptr_t)n))
		abort();
	for (uint64_t i = 0; i < n; i++) {
		uint32_t size = 16 + next(&r) % 385;

		while (i - __atomic_load_n(&tail, __ATOMIC_ACQUIRE) == RING)
			sched_yield();
		ring[i % RING] = memset(must(malloc(size)), 1, 16);
		__atomic_store_n(&head, i + 1, __ATOMIC_RELEASE);
	}
	pthread_join(t, NULL);
}

static void grow_one(size_t most, size_t step, size_t part)
{
	size_t size = 16;
	char *p = must(malloc(size));

	while (size < most) {
		size_t more = part ? size / part + 1 : step;

		p = must(realloc(p, size + more));
		memset(p + size, 1, more);
		size += more;
	}
	free(p);
}

static void grow(void)
{
	for (int i = 0; i < 40; i++) {
		grow_one(32 << 20, 0, 2);
		grow_one(4 << 20, 3000, 0);
		for (int k = 0; k < 300; k++)
			grow_one(20000, 100, 0);
	}
}

static void large(void)
{
	char *p[10] = { 0 };
	uint64_t r = 1;

	for (int i = 0; i < 20000; i++) {
		uint32_t k = next(&r) % 10, size = 40000 + next(&r) % 2000000;

		free(p[k]);
		p[k] = must(malloc(size));
		for (uint32_t b = 0; b < size; b += 4096)
			p[k][b] = 1;
	}
}

static void quick(void)
{
	for (int i = 0; i < 1000; i++) {
		pid_t pid = vfork();

		if (!pid) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(127);
		}
		waitpid(pid, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} all[] = { { "larson", larson },
		    { "handover", handover },
		    { "grow", grow },
		    { "large", large },
		    { "short", quick } };

	for (size_t i = 0; argc > 1 && i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(argv[1], all[i].name)) {
			all[i].fn();
			return 0;
		}
	return 2;
}
