/* SPDX-License-Identifier: MIT */
/*
 * pool/write.c - statistics as text, JSON, OpenMetrics and slabinfo
 *
 * One table of what there is, four ways to print it.  A page of text is
 * gathered on the stack and written when it is full; nothing is allocated.
 * While a pool is printed it is held by its busy count and not by a lock, so
 * that a slow reader of the other end stops nobody.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <percu/stats.h>

#include "pool/pool.h"
#include "pool/retention.h"
#include "sys/os.h"

struct out {
	stats_sink sink;
	void *arg;
	int err;
	enum percu_stats_format fmt;
	bool first; /* JSON: no comma yet */
	size_t len;
	char buf[4096];
};

static void flush(struct out *o)
{
	if (!o->err)
		o->err = o->sink(o->arg, o->buf, o->len);
	o->len = 0;
}

__attribute__((format(printf, 2, 3))) static void print(struct out *o,
							const char *fmt, ...)
{
	va_list ap;

	if (o->len > sizeof(o->buf) - 1024)
		flush(o);
	va_start(ap, fmt);
	o->len += (size_t)vsnprintf(o->buf + o->len, sizeof(o->buf) - o->len,
				    fmt, ap);
	va_end(ap);
}

/* What there is. --------------------------------------------------------------- */

struct metric {
	const char *name, *help;
	size_t offset;
	bool total; /* it only grows */
};

#define WHOLE(name, help, total)                                          \
	{                                                                 \
#name, help, offsetof(struct percu_memstats, name), total \
	}
static const struct metric whole[] = {
	WHOLE(alloc, "Bytes in blocks and objects that are out", false),
	WHOLE(mallocs, "Blocks and objects handed out", true),
	WHOLE(frees, "Blocks and objects put back", true),
	WHOLE(sys, "Bytes obtained from the system", false),
	WHOLE(heap_sys, "Bytes of these for blocks and objects", false),
	WHOLE(heap_inuse, "Bytes in spans that have an owner", false),
	WHOLE(heap_idle, "Bytes in spans without one", false),
	WHOLE(heap_released, "Bytes of these given back to the system", false),
	WHOLE(heap_objects, "Blocks and objects that are out", false),
	WHOLE(meta_sys, "Bytes of percu's own records", false),
	WHOLE(cached, "Bytes that wait on CPUs and in depots", false),
	WHOLE(deferred, "Bytes that wait for a grace period", false),
	WHOLE(defer_soft, "Deferred bytes above which it is hurried", false),
	WHOLE(defer_hard, "Deferred bytes above which callers wait", false),
	WHOLE(grace_periods, "Grace periods waited for", true),
	WHOLE(grace_ns, "Nanoseconds that these took", true),
	WHOLE(grace_max_ns, "Nanoseconds of the longest", false),
	WHOLE(large_bytes, "Bytes in large blocks", false),
	WHOLE(large_mallocs, "Large blocks handed out", true),
	WHOLE(large_frees, "Large blocks put back", true),
	WHOLE(ages, "Ageing cycles", true),
};

#define KEPT(name, field, help, total)                                \
	{                                                             \
#name, help, offsetof(struct retention, field), total \
	}
static const struct metric kept[] = {
	KEPT(slices, slices, "Slices that are out", false),
	KEPT(slice_blocks, blocks, "Blocks that they keep alive", false),
	KEPT(slice_shown, shown, "Bytes that they show", false),
	KEPT(slice_held, held, "Bytes of their blocks", false),
	KEPT(slice_clones, clones, "Copies made for the ratio", true),
};

#define ONE(name, help, total)                                              \
	{                                                                   \
#name, help, offsetof(struct percu_pool_stats, name), total \
	}
static const struct metric one[] = {
	ONE(size, "Bytes of an object", false),
	ONE(gets, "Objects handed out", true),
	ONE(puts, "Objects put back", true),
	ONE(puts_rcu, "Objects put back after a grace period", true),
	ONE(misses, "Gets that found nothing on their CPU", true),
	ONE(created, "Objects made", true),
	ONE(destroyed, "Objects destroyed", true),
	ONE(outstanding, "Objects that are out", false),
	ONE(cached, "Objects that wait in the pool", false),
	ONE(deferred, "Objects that wait for a grace period", false),
	ONE(limit_hits, "Gets that failed at the limit", true),
	ONE(failures, "Gets that failed", true),
};

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

static unsigned long long value(const struct metric *m, const void *of)
{
	return *(const uint64_t *)((const char *)of + m->offset);
}

/* How it is printed. ------------------------------------------------------------ */

static void print_figure(struct out *o, const struct metric *m, const void *of)
{
	if (o->fmt == PERCU_STATS_TEXT)
		print(o, "%-16s %16llu  %s\n", m->name, value(m, of), m->help);
	else if (o->fmt == PERCU_STATS_JSON)
		print(o, ",\"%s\":%llu", m->name, value(m, of));
	else if (o->fmt == PERCU_STATS_OPENMETRICS)
		print(o,
		      "# TYPE percu_%s %s\n# HELP percu_%s %s\n"
		      "percu_%s%s %llu\n",
		      m->name, m->total ? "counter" : "gauge", m->name, m->help,
		      m->name, m->total ? "_total" : "", value(m, of));
}

/* What is of no one pool. */
static void print_figures(struct out *o)
{
	struct percu_memstats ms;
	struct retention r;

	percu_memstats(&ms);
	retention_read(&r);
	for (size_t i = 0; i < LENGTH(whole); i++)
		print_figure(o, &whole[i], &ms);
	for (size_t i = 0; i < LENGTH(kept); i++)
		print_figure(o, &kept[i], &r);
}

static void print_head(struct out *o)
{
	if (o->fmt == PERCU_STATS_TEXT)
		print(o, "percu %s\n", percu_mode());
	else if (o->fmt == PERCU_STATS_JSON)
		print(o, "{\"mode\":\"%s\"", percu_mode());
	print_figures(o);
	if (o->fmt == PERCU_STATS_TEXT)
		print(o, "\n%-24s %8s %14s %14s %12s %10s %10s %10s\n", "pool",
		      "size", "gets", "puts", "misses", "out", "cached",
		      "failures");
	else if (o->fmt == PERCU_STATS_JSON)
		print(o, ",\"pools\":[");
	else if (o->fmt == PERCU_STATS_SLABINFO)
		print(o,
		      "slabinfo - version: 2.1\n"
		      "# name            <active_objs> <num_objs> <objsize> "
		      "<objperslab> <pagesperslab> : tunables <limit> "
		      "<batchcount> <sharedfactor> : slabdata <active_slabs> "
		      "<num_slabs> <sharedavail>\n");
}

static void print_json(struct out *o, const struct percu_pool_stats *st)
{
	print(o, "%s{\"name\":\"", o->first ? "" : ",");
	for (const char *c = st->name; *c; c++)
		print(o, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
	print(o, "\"");
	for (size_t i = 0; i < LENGTH(one); i++)
		print(o, ",\"%s\":%llu", one[i].name, value(&one[i], st));
	print(o, "}");
	o->first = false;
}

static void print_slabinfo(struct out *o, struct percu_pool *p,
			   const struct percu_pool_stats *st)
{
	unsigned long long spans;

	lock_take(&p->slab.lock, LOCK_SLAB);
	spans = p->slab.nspans;
	lock_give(&p->slab.lock, LOCK_SLAB);
	print(o,
	      "%-17s %6llu %6llu %6llu %4u %4u : tunables %4u %4u %4u : "
	      "slabdata %6llu %6llu %6u\n",
	      st->name, (unsigned long long)st->outstanding,
	      spans * p->slab.nobj, (unsigned long long)st->size, p->slab.nobj,
	      p->slab.span_pages * 2, p->capacity_max, p->magazine, 0, spans,
	      spans, 0);
}

static void print_pool(struct out *o, struct percu_pool *p,
		       const struct percu_pool_stats *st)
{
	if (o->fmt == PERCU_STATS_JSON)
		print_json(o, st);
	else if (o->fmt == PERCU_STATS_SLABINFO && !p->foreign)
		print_slabinfo(o, p, st);
	else if (o->fmt == PERCU_STATS_TEXT)
		print(o,
		      "%-24s %8llu %14llu %14llu %12llu %10llu %10llu %10llu\n",
		      st->name, (unsigned long long)st->size,
		      (unsigned long long)st->gets,
		      (unsigned long long)st->puts,
		      (unsigned long long)st->misses,
		      (unsigned long long)st->outstanding,
		      (unsigned long long)st->cached,
		      (unsigned long long)st->failures);
}

/* OpenMetrics wants all pools of one metric together. */
static void print_metric(struct out *o, const struct metric *m,
			 const struct percu_pool_stats *st)
{
	print(o, "percu_pool_%s%s{pool=\"", m->name, m->total ? "_total" : "");
	for (const char *c = st->name; *c; c++)
		print(o, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
	print(o, "\"} %llu\n", value(m, st));
}

/* Walking the pools. -------------------------------------------------------------- */

static void for_pools(struct out *o, const struct metric *m)
{
	struct percu_pool_stats st;

	for (struct percu_pool *p = pool_next(NULL); p; p = pool_next(p)) {
		pool_stats(p, &st);
		if (!st.created)
			continue;
		if (m)
			print_metric(o, m, &st);
		else
			print_pool(o, p, &st);
	}
}

int stats_write(stats_sink sink, void *arg, enum percu_stats_format fmt)
{
	struct out o = { .sink = sink, .arg = arg, .fmt = fmt, .first = true };
	int cancel;

	if ((unsigned int)fmt > PERCU_STATS_SLABINFO)
		return -EINVAL;
	cancel = os_cancel_off(); /* it holds pools while it writes */
	print_head(&o);
	if (fmt != PERCU_STATS_OPENMETRICS)
		for_pools(&o, NULL);
	for (size_t i = 0; fmt == PERCU_STATS_OPENMETRICS && i < LENGTH(one);
	     i++) {
		print(&o, "# TYPE percu_pool_%s %s\n# HELP percu_pool_%s %s\n",
		      one[i].name, one[i].total ? "counter" : "gauge",
		      one[i].name, one[i].help);
		for_pools(&o, &one[i]);
	}
	if (fmt == PERCU_STATS_OPENMETRICS)
		print(&o, "# EOF\n");
	if (fmt == PERCU_STATS_JSON)
		print(&o, "]}\n");
	flush(&o);
	os_cancel_on(cancel);
	return o.err;
}

static int to_fd(void *fd, const char *text, size_t len)
{
	return os_write(*(int *)fd, text, len);
}

PERCU_API int percu_stats_write(int fd, enum percu_stats_format fmt)
{
	return stats_write(to_fd, &fd, fmt);
}
