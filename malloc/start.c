/* SPDX-License-Identifier: MIT */
/*
 * malloc/start.c - defaults, other allocators, statistics at the end
 *
 * Of several libraries that define malloc the first in the program's order is
 * everybody's.  Who asks for percu by LD_PRELOAD and has another one there as
 * well is told which of the two it is; that a program is linked with another
 * one, which percu then takes the place of, is the usual case and no news.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "malloc/malloc.h"
#include "sys/conf.h"
#include "sys/report.h"

const struct conf conf_default = {
#ifdef PERCU_DEBUG
	.debug = true,
#endif
	.cpu_cache = (size_t)512 << 10,
	.defer_wait = true,
	.defer_age = 100,
	.stall = 10000,
	.age = 1000,
	.idle = (size_t)64 << 20,
	.least_block = MALLOC_ALIGN,
};

/* As the program finds them: not bound inside the library. */
static void *(*const volatile everybodys_malloc)(size_t) = malloc;
void (*const volatile everybodys_free)(void *) = free;
void *(*const volatile everybodys_realloc)(void *, size_t) = realloc;
void *(*const volatile everybodys_memalign)(size_t, size_t) = memalign;

/* Addresses do not tell: a program may have one of its own for a function. */
bool malloc_is_ours(void)
{
	static int known; /* (a) 1 ours, 2 theirs; asked at start, as a rule */
	int is = __atomic_load_n(&known, __ATOMIC_RELAXED);
	void *ptr;

	if (is)
		return is == 1;
	ptr = everybodys_malloc(1);
	if (!ptr)
		return true; /* until there is memory to ask with */
	is = span_of(ptr) || early_is(ptr) ? 1 : 2;
	__atomic_store_n(&known, is, __ATOMIC_RELAXED);
	everybodys_free(ptr);
	return is == 1;
}

/* Not handed out here, and who is called to free is another. */
bool malloc_is_theirs(const void *ptr)
{
	return !span_of(ptr) && !malloc_is_ours();
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

/* The file that a malloc is of, by its last name; NULL: it is not known. */
static const char *owner(void *fn)
{
	Dl_info info;

	return dladdr(fn, &info) ? base_name(info.dli_fname) : NULL;
}

/* Another malloc that LD_PRELOAD names, behind ours in the order. */
static void look_behind(const char *preload)
{
	void *fn = dlsym(RTLD_NEXT, "malloc");
	const char *other = fn ? owner(fn) : NULL;

	if (other && *other && strstr(preload, other))
		report_warn("LD_PRELOAD has %s too: malloc is percu's", other);
}

__attribute__((constructor)) static void malloc_start(void)
{
	const char *preload = secure_getenv("LD_PRELOAD"), *other;
	void *(*fn)(size_t) = everybodys_malloc;
	void *address;

	pool_init();
	if (conf.stats)
		report_keep();
	if (!preload || !*preload ||
	    tool.valgrind) /* whose malloc it is then */
		return;
	if (malloc_is_ours()) {
		if (strpbrk(preload, " :"))
			look_behind(preload);
		return;
	}
	memcpy(&address, &fn, sizeof(address));
	other = owner(address);
	report_warn("malloc is that of %s: percu's is not used",
		    other ? other : "another");
}

__attribute__((destructor)) static void malloc_end(void)
{
	if (conf.stats)
		malloc_stats_write(report_fd());
}
