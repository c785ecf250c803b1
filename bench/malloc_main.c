/* SPDX-License-Identifier: MIT */
/*
 * bench/malloc_main.c - percu-bench-malloc: malloc's side of a comparison
 *
 * percu-bench-malloc LOOP SIZE [ARG], as a worker: the loops of serve_loop.c,
 * and churn.  It has nothing of percu in it, and calls malloc as a program
 * calls a shared library.  Told to do nothing it ends at once: start.c times
 * that.  percu-bench-malloc preloaded says with its status
 * whether a malloc has taken the C library's place.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/churn.h"
#include "bench/ctor.h"
#include "bench/loops.h"

static inline void *call_malloc(void *size)
{
	return malloc((size_t)size);
}

static inline void call_free(void *size, void *p)
{
	(void)size;
	free(p);
}

LOOPS_OF(malloc_loops, call_malloc, call_free);

/* Who gets nothing: what idle threads occupy without it. */
static void *same_block(void *none)
{
	static char block[OBJECT];

	(void)none;
	return block;
}

static void drop_block(void *none, void *p)
{
	(void)none;
	touch(p);
}

LOOPS_OF(bare_loops, same_block, drop_block);

static void built(void *size, uint64_t iters)
{
	loop_built(iters, call_malloc, call_free, size);
}

/* Is malloc another library's than the C library's? */
static bool preloaded(void)
{
	Dl_info of_malloc, of_libc;

	return dladdr((void *)malloc, &of_malloc) &&
	       dladdr((void *)strtoul, &of_libc) &&
	       of_malloc.dli_fbase != of_libc.dli_fbase;
}

/*
 * Each malloc's own way to give back what is idle; a cast of what dlsym()
 * finds would not please everyone.
 */
static void release(void)
{
	union {
		void *sym;
		void (*plain)(void);
		void (*collect)(bool force);
		int (*mallctl)(const char *name, void *old, size_t *oldlen,
			       void *new, size_t newlen);
		int (*command)(int cmd, void *param);
	} u;

	if ((u.sym = dlsym(RTLD_DEFAULT, "mi_collect")))
		u.collect(false);
	else if ((u.sym = dlsym(RTLD_DEFAULT,
				"MallocExtension_ReleaseFreeMemory")))
		u.plain();
	else if ((u.sym = dlsym(RTLD_DEFAULT, "mallctl")) &&
		 !u.mallctl("arena.4096.purge", NULL, NULL, NULL, 0))
		return;
	else if ((u.sym = dlsym(RTLD_DEFAULT, "scalable_allocation_command")))
		u.command(0 /* TBBMALLOC_CLEAN_ALL_BUFFERS */, NULL);
	else
		malloc_trim(0);
}

int main(int argc, char **argv)
{
	const struct churn churn = { malloc, free, NULL };
	struct subject s = { .loops = &malloc_loops, .release = release };
	const char *loop = argc > 1 ? argv[1] : "";

	if (!strcmp(loop, "nothing"))
		return 0;
	if (!strcmp(loop, "preloaded"))
		return !preloaded();
	if (!strcmp(loop, "churn"))
		return serve_churn(&churn);
	if (argc < 3) {
		fprintf(stderr, "usage: percu-bench-malloc LOOP SIZE [ARG]\n");
		return 2;
	}
	s.ctx = (void *)strtoul(argv[2], NULL, 10);
	if (!strcmp(loop, "ctor")) {
		const struct service service = { .fn = built, .ctx = s.ctx };

		return serve(&service);
	}
	if (!strcmp(loop, "bare")) {
		s.loops = &bare_loops;
		loop = "idle";
	}
	return serve_loop(&s, loop, argv[3]);
}
