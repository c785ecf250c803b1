/* SPDX-License-Identifier: MIT */
/*
 * tests/malloc/opened.c - libpercu-malloc.so by dlopen()
 *
 * Then nobody's malloc is percu's, and the library's own functions work on what
 * they have handed out themselves.  First a library with much static TLS is
 * opened, so that what the loader keeps for such libraries is short.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *(*get)(size_t size);
static void (*put)(void *ptr);

static void *work(void *arg)
{
	static __thread void *p[1000];

	for (size_t i = 0; i < 1000; i++) {
		p[i] = get(i * 50);
		if (!p[i])
			return NULL;
		memset(p[i], 1, i * 50);
	}
	for (size_t i = 0; i < 1000; i++)
		put(p[i]);
	return arg;
}

int main(int argc, char **argv)
{
	void *lib, *ret;
	pthread_t t;

	if (argc > 2 && !dlopen(argv[2], RTLD_NOW))
		return puts(dlerror()), 1;
	lib = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return puts(dlerror()), 1;
	*(void **)&get = dlsym(lib, "malloc");
	*(void **)&put = dlsym(lib, "free");
	if (get == malloc || !work(lib) ||
	    pthread_create(&t, NULL, work, lib) || pthread_join(t, &ret) ||
	    ret != lib)
		return puts("it does not work"), 1;
	dlclose(lib);
	return !work(lib); /* it stays */
}
