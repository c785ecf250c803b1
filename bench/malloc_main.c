/* SPDX-License-Identifier: MIT */
/*
 * bench/malloc_main.c - percu-bench-malloc: malloc's side of a comparison
 *
 * percu-bench-malloc LOOP SIZE [ARG], as a worker: the loops of serve_loop.c,
 * and churn.  It has nothing of percu in it, and calls malloc as a program
 * calls a shared library.  Told to do nothing it ends at once: start.c times
 * that.  percu-bench-malloc preloaded says with its status whether a malloc has
 * taken the C library's place; percu-bench-malloc sized SIZE LOOP frees by the
 * malloc's own call that is told the size.
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

BARE_LOOPS(bare_loops);

/*
 * Who knows the size may say so, by a call of each malloc's own.  It is found
 * by name and called through a pointer, as what is in another library is.
 */
static union {
	void *sym;
	void (*free)(void *p, size_t size);
	void (*flags)(void *p, size_t size, int flags);
} sized;

static inline void call_sized(void *size, void *p)
{
	sized.free(p, (size_t)size);
}

static inline void call_sdallocx(void *size, void *p)
{
	sized.flags(p, (size_t)size, 0);
}

LOOPS_OF(sized_loops, call_malloc, call_sized);
LOOPS_OF(sdallocx_loops, call_malloc, call_sdallocx);

static const struct loops *find_sized(void)
{
	static const char *const name[] = { "mi_free_size", "tc_free_sized",
					    "free_sized" };

	if ((sized.sym = dlsym(RTLD_DEFAULT, "sdallocx")))
		return &sdallocx_loops;
	for (size_t i = 0; i < ARRAY_SIZE(name); i++)
		if ((sized.sym = dlsym(RTLD_DEFAULT, name[i])))
			return &sized_loops;
	return NULL;
}

static uint64_t is_sized(void *none, const char *what, uint64_t arg)
{
	(void)none;
	(void)arg;
	return !strcmp(what, "sized") && sized.sym;
}

static void built(void *size, uint64_t iters)
{
	loop_built(iters, call_malloc, call_free, size);
}

/* Which file malloc is in, for versions.c. */
static int say_where(void)
{
	Dl_info info;

	return !dladdr((void *)malloc, &info) || puts(info.dli_fname) < 0;
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
 * finds would not please everyone.  They differ in whose caches they reach:
 * malloc_trim() and TBBMALLOC_CLEAN_ALL_BUFFERS take all that is idle, purging
 * arenas and ReleaseFreeMemory leave the other threads' caches, and
 * mi_collect() collects the heap of the calling thread alone: mimalloc has no
 * call for another's.
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
	if (!strcmp(loop, "where"))
		return say_where();
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
	if (!strcmp(loop, "sized") && argc > 3) {
		loop = argv[3];
		s.loops = find_sized();
		s.answer = is_sized;
		if (!s.loops)
			s.loops = &bare_loops; /* it is asked, and ends */
		return serve_loop(&s, loop, NULL);
	}
	if (!strcmp(loop, "bare")) {
		s.loops = &bare_loops;
		loop = "idle";
	}
	return serve_loop(&s, loop, argv[3]);
}
