// SPDX-License-Identifier: MIT
/*
 * stress/workers/leak.c - who has not finished, and where it stands
 *
 * A worker that is parked knows best by which calls it came there: it is let
 * run once more, on its own stack, to look at that (leak_here()), and comes
 * straight back.  Nothing has to be recorded while workers run.
 *
 * Names and lines of addresses are addr2line's; where there is none, the
 * addresses are printed as they are.  Frames of the scheduler are left out:
 * what the worker waits for says as much.
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "stress/workers/sched.h"

enum {
	LINE = 1024,
	WHERE = 160,
	COMMAND = 64 + LEAKS_SHOWN * LEAK_FRAMES * 20,
};

struct frame {
	uintptr_t at; /* in the program's file; 0: not of the program */
	void *addr;
	char where[WHERE]; /* empty: the scheduler's, or nothing is known */
};

struct report {
	struct worker *leaked[LEAKS_SHOWN];
	struct leak leak[LEAKS_SHOWN];
	struct frame frame[LEAKS_SHOWN][LEAK_FRAMES];
	bool resolved;
};

__attribute__((noinline)) void leak_here(struct leak *l)
{
	l->nr = backtrace(l->frames, LEAK_FRAMES);
}

static void examine(struct worker *w, struct leak *l)
{
	l->nr = 0;
	if (w->fresh)
		return;
	context_of_thread(&l->back);
	w->examined = l;
	context_switch(&l->back, &w->ctx, NULL, false);
	w->examined = NULL;
}

/* Where it was called from: the address before the one to return to. */
static uintptr_t at_in_program(const void *addr)
{
	struct link_map *map;
	Dl_info info;

	if (!dladdr1(addr, &info, (void **)&map, RTLD_DL_LINKMAP) ||
	    (map->l_name && *map->l_name))
		return 0;
	return (uintptr_t)addr - 1 - map->l_addr;
}

static void where_set(struct frame *f, const char *function, const char *line)
{
	const char *base = strrchr(line, '/');

	if (*function == '?' || strstr(line, "stress/workers/"))
		return;
	base = base ? base + 1 : line;
	snprintf(f->where, sizeof(f->where), "%.*s (%.*s)",
		 (int)strcspn(function, "\n"), function,
		 (int)strcspn(base, " \n"), base);
}

static FILE *addr2line(struct report *r)
{
	char exe[512] = "", command[COMMAND + sizeof(exe)];
	size_t len;

	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0 ||
	    strchr(exe, '\''))
		return NULL;
	len = (size_t)snprintf(command, sizeof(command),
			       "addr2line -f -e '%s' 2>/dev/null", exe);
	for (int i = 0; i < LEAKS_SHOWN; i++)
		for (int k = 0; k < r->leak[i].nr; k++)
			if (r->frame[i][k].at)
				len += (size_t)snprintf(
					command + len, sizeof(command) - len,
					" %#lx",
					(unsigned long)r->frame[i][k].at);
	fflush(NULL);
	return popen(command, "r");
}

static void frames_resolve(struct report *r)
{
	char function[LINE], line[LINE];
	FILE *f = addr2line(r);

	for (int i = 0; f && i < LEAKS_SHOWN; i++)
		for (int k = 0; k < r->leak[i].nr; k++) {
			if (!r->frame[i][k].at)
				continue;
			if (!fgets(function, sizeof(function), f) ||
			    !fgets(line, sizeof(line), f))
				goto out;
			where_set(&r->frame[i][k], function, line);
			r->resolved = true;
		}
out:
	if (f)
		pclose(f);
}

static void frames_find(struct report *r)
{
	for (int i = 0; i < LEAKS_SHOWN; i++)
		for (int k = 0; k < r->leak[i].nr; k++) {
			struct frame *f = &r->frame[i][k];

			f->addr = r->leak[i].frames[k];
			f->at = at_in_program(f->addr);
		}
	frames_resolve(r);
}

/* The line. ---------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void text_add(char text[LINE],
							   const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + len, LINE - len, fmt, ap);
	va_end(ap);
}

static void text_waits(char text[LINE], const struct worker *w)
{
	text_add(text, "worker \"%s %llu\" ", w->name,
		 (unsigned long long)w->nth);
	if (w->fresh)
		text_add(text, "has not begun");
	else
		text_add(text, "%s", w->does ? w->does : "is at work");
	if (w->does && w->fd >= 0)
		text_add(text, " %d", w->fd);
	if (w->does && w->on)
		text_add(text, " \"%s\"", w->on);
	for (const char *const *on = w->also; w->does && on && *on; on++)
		text_add(text, " or \"%s\"", *on);
}

static void text_holds(char text[LINE], const struct worker *w)
{
	const char *before = "; holds";

	for (const struct holding *h = w->holds; h < w->holds + HOLDINGS; h++) {
		if (!h->n)
			continue;
		text_add(text, "%s %ld of \"%s\"", before, h->n, h->what);
		before = ",";
	}
}

static void text_frames(char text[LINE], const struct report *r, int nth)
{
	const char *before = "; in ";

	for (int k = 0; k < r->leak[nth].nr; k++) {
		const struct frame *f = &r->frame[nth][k];

		if (*f->where)
			text_add(text, "%s%s", before, f->where);
		else if (!r->resolved && f->at)
			text_add(text, "%s%#lx", before, (unsigned long)f->at);
		else
			continue;
		before = " < ";
	}
}

static size_t leaks_find(struct sched *s, struct report *r)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->stacks.nr; i++) {
		struct worker *w = stack_nth(&s->stacks, i);

		if (atomic_load(&w->state) == UNUSED)
			continue;
		if (nr < LEAKS_SHOWN) {
			r->leaked[nr] = w;
			examine(w, &r->leak[nr]);
		}
		nr++;
	}
	return nr;
}

size_t sched_leaks(struct sched *s, void (*line)(const char *text, void *arg),
		   void *arg)
{
	struct report *r = calloc(1, sizeof(*r));
	char text[LINE];
	void *warm[1];
	size_t nr;

	if (!r)
		abort();
	backtrace(warm, 1); /* it loads a library the first time: not there */
	nr = leaks_find(s, r);
	if (nr)
		frames_find(r);
	for (int i = 0; i < LEAKS_SHOWN && r->leaked[i]; i++) {
		text[0] = '\0';
		text_waits(text, r->leaked[i]);
		text_holds(text, r->leaked[i]);
		text_frames(text, r, i);
		line(text, arg);
	}
	if (nr > LEAKS_SHOWN) {
		snprintf(text, sizeof(text),
			 "%zu more workers have not finished",
			 nr - LEAKS_SHOWN);
		line(text, arg);
	}
	free(r);
	return nr;
}
