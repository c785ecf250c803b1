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

/* Another malloc in front of ours, and what it has not and cannot be made of it. */
static void say_theirs(void)
{
	void *(*fn)(size_t) = everybodys_malloc;
	unsigned int have = theirs_have();
	const char *other;
	void *address;

	memcpy(&address, &fn, sizeof(address));
	other = owner(address);
	report_warn("malloc is that of %s: percu's is not used",
		    other ? other : "another");
	if (!(have & THEIRS_FREE))
		report_warn("it has no free(): nothing is freed");
	if (!(have & (THEIRS_REALLOC | THEIRS_SIZE)))
		report_warn("it has neither realloc() nor "
			    "malloc_usable_size(): realloc() fails");
	if (!(have & THEIRS_ALIGNED))
		report_warn("it has no memalign() or the like: they fail");
}

__attribute__((constructor)) static void malloc_start(void)
{
	const char *preload = secure_getenv("LD_PRELOAD");

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
	say_theirs();
}

__attribute__((destructor)) static void malloc_end(void)
{
	if (conf.stats)
		malloc_stats_write(report_fd());
}
