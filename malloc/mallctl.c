/* SPDX-License-Identifier: MIT */
/*
 * malloc/mallctl.c - what programs ask that were written for jemalloc
 *
 * The names that Debian's redis and haproxy use, and the few beside them that
 * mean something here: figures, purging, and a thread in the background, which
 * percu does not have.  All others are ENOENT, as they are to jemalloc.
 * Figures are those of the first call, or of the last write to "epoch", as
 * jemalloc has it.
 */
#include <errno.h>
#include <string.h>

#include <percu/stats.h>

#include "malloc/malloc.h"
#include "sys/report.h"

typedef void print_fn(void *arg, const char *text);

EXPORT int mallctl(const char *name, void *old, size_t *old_len, void *new,
		   size_t new_len);
EXPORT void malloc_stats_print(print_fn *print, void *arg, const char *options);

static struct figures {
	uint64_t epoch;
	size_t allocated, active, metadata, resident, mapped, retained;
} figures; /* (a), each on its own */

static void figures_read(void)
{
	struct percu_memstats ms;
	size_t resident;

	percu_memstats(&ms);
	resident = ms.sys - ms.heap_released;
	__atomic_store_n(&figures.allocated, ms.alloc, __ATOMIC_RELAXED);
	__atomic_store_n(&figures.active, ms.heap_inuse, __ATOMIC_RELAXED);
	__atomic_store_n(&figures.metadata, ms.meta_sys, __ATOMIC_RELAXED);
	__atomic_store_n(&figures.resident, resident, __ATOMIC_RELAXED);
	__atomic_store_n(&figures.mapped, resident, __ATOMIC_RELAXED);
	__atomic_store_n(&figures.retained, ms.heap_released, __ATOMIC_RELAXED);
	__atomic_add_fetch(&figures.epoch, 1, __ATOMIC_RELAXED);
}

/* Hands a value out, as much of it as there is room: 0 or EINVAL. */
static int give(const void *value, size_t len, void *old, size_t *old_len)
{
	if (!old || !old_len)
		return 0;
	memcpy(old, value, *old_len < len ? *old_len : len);
	if (*old_len == len)
		return 0;
	*old_len = *old_len < len ? *old_len : len;
	return EINVAL;
}

static int ctl_epoch(void *old, size_t *old_len, void *new, size_t new_len)
{
	uint64_t epoch;

	if (new &&new_len != sizeof(epoch))
		return EINVAL;
	if (new)
		figures_read();
	epoch = __atomic_load_n(&figures.epoch, __ATOMIC_RELAXED);
	return give(&epoch, sizeof(epoch), old, old_len);
}

static int ctl_figure(const char *name, void *old, size_t *old_len, void *new)
{
	static const struct {
		const char *name;
		const size_t *value;
	} known[] = {
		{ "allocated", &figures.allocated },
		{ "active", &figures.active },
		{ "metadata", &figures.metadata },
		{ "resident", &figures.resident },
		{ "mapped", &figures.mapped },
		{ "retained", &figures.retained },
	};
	size_t value;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(name, known[i].name))
			continue;
		if (new)
			return EPERM;
		value = __atomic_load_n(known[i].value, __ATOMIC_RELAXED);
		return give(&value, sizeof(value), old, old_len);
	}
	return ENOENT;
}

/* "arena.0.purge" and "arena.0.decay", for any number. */
static int ctl_arena(const char *name)
{
	name += strspn(name, "0123456789");
	if (strcmp(name, ".purge") && strcmp(name, ".decay"))
		return ENOENT;
	decay_now();
	return 0;
}

int mallctl(const char *name, void *old, size_t *old_len, void *new,
	    size_t new_len)
{
	static const char *const version = "5.0.0-0-gpercu";
	const unsigned int arenas = 1;
	const bool thread = false;

	if (!__atomic_load_n(&figures.epoch, __ATOMIC_RELAXED))
		figures_read();
	if (!strcmp(name, "epoch"))
		return ctl_epoch(old, old_len, new, new_len);
	if (!strncmp(name, "stats.", 6))
		return ctl_figure(name + 6, old, old_len, new);
	if (!strncmp(name, "arena.", 6))
		return ctl_arena(name + 6);
	if (!strcmp(name, "arenas.narenas"))
		return new ? EPERM :
			     give(&arenas, sizeof(arenas), old, old_len);
	if (!strcmp(name, "version"))
		return new ? EPERM :
			     give(&version, sizeof(version), old, old_len);
	if (!strcmp(name, "background_thread")) {
		if (new && (new_len != sizeof(bool) || *(bool *)new))
			return new_len == sizeof(bool) ? EPERM : EINVAL;
		return give(&thread, sizeof(thread), old, old_len);
	}
	return ENOENT;
}

struct printer {
	print_fn *print;
	void *arg;
};

static int to_printer(void *arg, const char *text, size_t len)
{
	struct printer *to = arg;

	(void)len;
	to->print(to->arg, text);
	return 0;
}

/* Options: of jemalloc's, J for JSON; the others choose what percu has not. */
void malloc_stats_print(print_fn *print, void *arg, const char *options)
{
	struct printer to = { print, arg };
	bool json = options && strchr(options, 'J');

	if (!print)
		malloc_stats_write(report_fd());
	else
		stats_write(to_printer, &to,
			    json ? PERCU_STATS_JSON : PERCU_STATS_TEXT);
}
