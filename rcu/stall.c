/* SPDX-License-Identifier: MIT */
/*
 * rcu/stall.c - says who holds a grace period back
 *
 * A thread, the watch, sleeps until the oldest grace period under way will be
 * conf.stall old.  If it still is then, a line names the readers that it waits
 * for and what waits for them, by pool and by where it was retired; again when
 * it is twice as old, and so on.  While no grace period is under way the watch
 * sleeps for ever, and the next one to begin wakes it: at most once in
 * conf.stall, however many there are.  One that begins while the watch sleeps
 * until another is twice as old wakes it too.
 *
 * A batch is charged to the place that retired the last object in it.
 *
 * What the line says is collected under graces.lock, which keeps the batches
 * from being finished meanwhile; readers are looked for without it, for that
 * takes the loader's lock.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rcu/readers.h"
#include "rcu/rounds.h"
#include "sys/conf.h"
#include "sys/os.h"
#include "sys/report.h"

enum {
	NR_LOADS = 16,  /* pools and places that are told apart */
	NR_SHOWN = 3,   /* of them, the largest, in the line */
	NR_READERS = 3, /* named in the line */
	LINE_MAX_ = 440,
	JOIN_PATIENCE = 100000000, /* ns */
};

/* All under graces.lock. */
static struct watch {
	pthread_t thread;
	pthread_cond_t wake;
	uint64_t next; /* ns: it sleeps until then; 0: for ever */
	bool made, running, asleep, stop;
} watch;

/* What waits, by pool and place. */
struct loads {
	struct load {
		struct grace_load sum;
		char name[32]; /* the pool may go while the line is made */
		void *site;
	} load[NR_LOADS];
	int n;
	uint64_t objects, bytes;
};

static struct load *load_find(struct loads *l, const char *pool, void *site)
{
	int i = 0;

	while (i < l->n &&
	       (l->load[i].sum.pool != pool || l->load[i].site != site))
		i++;
	if (i == l->n && i < NR_LOADS) {
		l->load[l->n++] =
			(struct load){ .sum.pool = pool, .site = site };
		snprintf(l->load[i].name, sizeof(l->load[i].name), "%s", pool);
	}
	return i < NR_LOADS ? &l->load[i] : NULL;
}

static void loads_add(struct loads *l, const struct grace_wait *w)
{
	struct grace_load one;
	struct load *sum;

	for (; w; w = w->next) {
		graces.ops->weigh(w, &one);
		l->objects += one.objects;
		l->bytes += one.bytes;
		sum = load_find(l, one.pool, w->site);
		if (!sum)
			continue;
		sum->sum.objects += one.objects;
		sum->sum.bytes += one.bytes;
	}
}

/* graces.lock is held: the round is not finished, the inbox only grows. */
static void loads_collect(struct loads *l, struct grace *g)
{
	l->n = 0;
	l->objects = 0;
	l->bytes = 0;
	loads_add(l, g->round);
	/* Acquire: pairs with inbox_push(). */
	loads_add(l, __atomic_load_n(&g->inbox, __ATOMIC_ACQUIRE));
}

struct line {
	char text[LINE_MAX_];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void say(struct line *l,
						      const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, sizeof(l->text) - l->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len += (size_t)n;
	if (l->len >= sizeof(l->text))
		l->len = sizeof(l->text) - 1;
}

static void say_readers(struct line *l, const struct rcu_flavor_struct *flavor)
{
	struct reader r[NR_READERS];
	int n = readers_find(flavor, r, NR_READERS);

	if (n <= 0)
		say(l, " for a reader that cannot be named");
	for (int i = 0; i < n && i < NR_READERS; i++) {
		say(l, "%s thread %d (%s, state %c", i ? "," : " for",
		    (int)r[i].tid, r[i].name, r[i].state);
		if (r[i].nested)
			say(l, ", nesting %lu", r[i].nested);
		say(l, ")");
	}
	if (n > NR_READERS)
		say(l, " and %d more", n - NR_READERS);
}

static void say_loads(struct line *line, struct loads *l)
{
	char site[REPORT_SITE_MAX];

	say(line, "; behind it %" PRIu64 " objects, %" PRIu64 " bytes",
	    l->objects, l->bytes);
	for (int shown = 0; shown < NR_SHOWN; shown++) {
		struct load *most = NULL;

		for (int i = 0; i < l->n; i++)
			if (l->load[i].sum.pool &&
			    (!most || l->load[i].sum.bytes > most->sum.bytes))
				most = &l->load[i];
		if (!most)
			return;
		say(line, "%s pool %s %" PRIu64 " bytes, %s", shown ? ";" : ":",
		    most->name, most->sum.bytes, report_site(most->site, site));
		most->sum.pool = NULL;
	}
}

/* graces.lock is held, and given back meanwhile. */
static void report(struct grace *g, uint64_t now)
{
	const struct rcu_flavor_struct *flavor = g->flavor;
	uint64_t age = (now - g->since) / 100000000;
	struct line line = { .len = 0 };
	struct loads loads;

	g->told++;
	loads_collect(&loads, g);
	graces_unlock();
	say(&line,
	    "stall: a grace period of %s has waited %" PRIu64 ".%" PRIu64 " s",
	    flavor_name(flavor), age / 10, age % 10);
	say_readers(&line, flavor);
	say_loads(&line, &loads);
	report_warn("%s", line.text);
	graces_lock();
}

/* When the next report of g is due; 0: never.  graces.lock is held. */
static uint64_t report_at(const struct grace *g)
{
	if (!g->since || g->told > 20)
		return 0;
	return g->since + (conf.stall * 1000000ull << g->told);
}

/* What is to be reported next and when, or NULL.  graces.lock is held. */
static struct grace *report_next(uint64_t *when)
{
	struct grace *first = NULL;
	uint64_t at;

	*when = 0;
	for_each_grace (g) {
		at = report_at(g);
		if (at && (!first || at < *when)) {
			first = g;
			*when = at;
		}
	}
	return first;
}

/*
 * While it reports any flavor may begin a grace period, of which it is not
 * told: so it sleeps only when it has looked at all of them under one hold of
 * the lock.
 */
static void *watcher(void *arg)
{
	struct grace *g;
	uint64_t now;

	graces_lock();
	while (!watch.stop) {
		now = os_clock();
		g = report_next(&watch.next);
		if (g && watch.next <= now) {
			report(g, now);
			continue;
		}
		watch.asleep = true;
		cond_wait(&watch.wake, watch.next);
		watch.asleep = false;
	}
	graces_unlock();
	return arg;
}

/* Without a thread there is no watch until the next round tries again. */
static void watch_start(void)
{
	if (!watch.made)
		cond_init(&watch.wake);
	watch.made = true;
	watch.running =
		os_thread(&watch.thread, watcher, NULL, "percu-stall") == 0;
}

void stall_begin(struct grace *g)
{
	g->told = 0;
	if (!conf.stall)
		return;
	if (!watch.running)
		watch_start();
	else if (watch.asleep && (!watch.next || watch.next > report_at(g)))
		pthread_cond_signal(&watch.wake);
}

void stall_after_fork_child(void)
{
	memset(&watch, 0, sizeof(watch));
}

/* The end of the program. */
void stall_stop(void)
{
	pthread_t thread;
	bool join;

	graces_lock();
	join = watch.running;
	thread = watch.thread;
	watch.stop = true;
	if (join)
		pthread_cond_signal(&watch.wake);
	graces_unlock();
	/* One that is busy with a line is left, and told to stop still. */
	if (!join || !os_thread_join(thread, os_clock() + JOIN_PATIENCE))
		return;
	graces_lock();
	watch.running = false;
	watch.stop = false;
	graces_unlock();
}
