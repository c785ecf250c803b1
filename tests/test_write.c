/* SPDX-License-Identifier: MIT */
/*
 * tests/test_write.c - percu_stats_write(), read back
 *
 * Each format is parsed by its own grammar, as strictly as those who will
 * read it, and what it says is held against percu_memstats() and
 * percu_pool_stats().  What can go wrong is in test_write_fail.c.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <percu/alloc.h>
#include <percu/buf.h>
#include <percu/stats.h>

#include "pool/pool.h"
#include "tests/check.h"
#include "tests/pools.h"

/* A pool whose name needs escapes, one without an object, some at work. */
#define ODD_NAME "odd\"name\\of{a=pool}"

enum {
	NR_POOLS = 4
};

static struct percu_pool *pool[NR_POOLS];
static void *held[3];
static struct percu_slice slice[3];

static void *create_any(void *arg)
{
	(void)arg;
	return malloc(4);
}

static void destroy_any(void *obj, void *arg)
{
	(void)arg;
	free(obj);
}

/* Three slices, two blocks, one copy for the ratio. */
static void retain(void)
{
	struct percu_buf *b = percu_buf_get(64 << 10);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	b->len = b->cap;
	memset(b->data, 'x', b->len);
	slice[0] = percu_slice_of(b, 0, b->len);
	slice[1] = percu_slice_sub(slice[0], 0, 5000);
	slice[2] = percu_slice_sub(slice[0], 0, 20);
	percu_buf_put(b);
}

static void begin(void)
{
	const struct percu_pool_attr attr[NR_POOLS] = {
		{ .name = ODD_NAME, .size = 5000 },
		{ .name = "never-used", .size = 10 },
		{ .name = "foreign",
		  .create = create_any,
		  .destroy = destroy_any },
		{ .name = "limited", .size = 24, .limit = 1 },
	};
	void *obj[40];

	for (int i = 0; i < NR_POOLS; i++) {
		pool[i] = percu_pool_create(&attr[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(pool[i]);
	}
	CU_ASSERT_EQUAL(percu_pool_get_bulk(pool[0], obj, 40), 40);
	percu_pool_put_bulk(pool[0], obj, 40);
	held[0] = percu_pool_get(pool[0]);
	held[1] = percu_pool_get(pool[2]);
	held[2] = percu_pool_get(pool[3]);
	CU_ASSERT_PTR_NULL(percu_pool_get(pool[3]));
	retain();
	percu_free(percu_alloc(100));
	percu_free(percu_alloc(100000));
}

static void end(void)
{
	for (int i = 0; i < 3; i++)
		percu_slice_put(slice[i]);
	percu_pool_put(pool[0], held[0]);
	percu_pool_put(pool[2], held[1]);
	percu_pool_put(pool[3], held[2]);
	for (int i = 0; i < NR_POOLS; i++)
		CU_ASSERT_EQUAL(percu_pool_destroy(pool[i]), 0);
	ASSERT_POOLS_HOLD(0);
}

/* What is written, as a string that the caller frees. */
static char *written(enum percu_stats_format fmt)
{
	int fd = memfd_create("stats", 0);
	off_t len;
	char *s;

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(percu_stats_write(fd, fmt), 0);
	len = lseek(fd, 0, SEEK_END);
	s = calloc(1, (size_t)len + 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL(pread(fd, s, (size_t)len, 0), len);
	CU_ASSERT_EQUAL(strlen(s), (size_t)len);
	close(fd);
	return s;
}

/* The figures, by name. ------------------------------------------------------- */

struct figure {
	const char *name;
	size_t offset;
	bool total;
};

/* What is of no one pool. */
struct wholly {
	struct percu_memstats ms;
	struct percu_slice_stats slices;
};

static struct wholly wholly(void)
{
	struct wholly w;

	percu_memstats(&w.ms);
	percu_slice_stats(&w.slices);
	return w;
}

#define W(field, total)                                          \
	{                                                        \
#field, offsetof(struct wholly, ms.field), total \
	}
#define S(name, field, total)                                       \
	{                                                           \
#name, offsetof(struct wholly, slices.field), total \
	}
#define P(field, total)                                                 \
	{                                                               \
#field, offsetof(struct percu_pool_stats, field), total \
	}

static const struct figure whole[] = {
	W(alloc, false),
	W(mallocs, true),
	W(frees, true),
	W(sys, false),
	W(heap_sys, false),
	W(heap_inuse, false),
	W(heap_idle, false),
	W(heap_released, false),
	W(heap_objects, false),
	W(meta_sys, false),
	W(cached, false),
	W(deferred, false),
	W(defer_soft, false),
	W(defer_hard, false),
	W(grace_periods, true),
	W(grace_ns, true),
	W(grace_max_ns, false),
	W(large_bytes, false),
	W(large_mallocs, true),
	W(large_frees, true),
	W(ages, true),
	S(slices, slices, false),
	S(slice_blocks, blocks, false),
	S(slice_shown, shown, false),
	S(slice_held, held, false),
	S(slice_clones, clones, true),
};

static const struct figure one[] = {
	P(size, false),     P(gets, true),         P(puts, true),
	P(puts_rcu, true),  P(misses, true),       P(created, true),
	P(destroyed, true), P(outstanding, false), P(cached, false),
	P(deferred, false), P(limit_hits, true),   P(failures, true),
};

enum {
	NR_WHOLE = sizeof(whole) / sizeof(*whole),
	NR_ONE = sizeof(one) / sizeof(*one),
};

static uint64_t figure_of(const struct figure *f, const void *of)
{
	return *(const uint64_t *)((const char *)of + f->offset);
}

/* The pool of that name that has objects. */
static struct percu_pool *pool_named(const char *name)
{
	list_for_each (l, &pools.list) {
		struct percu_pool *p = list_entry(l, struct percu_pool, pools);

		if (!strcmp(p->name, name) && stats_of(p).created)
			return p;
	}
	return NULL;
}

/* Pools that must be listed. */
static unsigned int pools_used(bool slab_only)
{
	unsigned int n = 0;

	list_for_each (l, &pools.list) {
		struct percu_pool *p = list_entry(l, struct percu_pool, pools);

		n += stats_of(p).created && !(slab_only && p->foreign);
	}
	return n;
}

/* JSON. ---------------------------------------------------------------------------- */

/*
 * RFC 8259, without numbers other than natural ones.  Calls found() for each
 * number and each string, with the path of keys to it.
 */
struct json {
	const char *s;
	bool bad;
	char path[4][64];
	int depth;
	void (*found)(struct json *j, const char *text, uint64_t number);
	unsigned int pools, figures;
	struct wholly all;
	struct percu_pool *pool;
};

static void json_value(struct json *j);

static bool json_is(struct json *j, char c)
{
	if (*j->s != c)
		return false;
	j->s++;
	return true;
}

static void json_must(struct json *j, char c)
{
	j->bad |= !json_is(j, c);
}

static void json_string(struct json *j, char *out, size_t size)
{
	size_t n = 0;

	json_must(j, '"');
	while (!j->bad && *j->s != '"') {
		if ((unsigned char)*j->s < ' ') {
			j->bad = true;
			return;
		}
		if (*j->s == '\\' && !strchr("\"\\/bfnrt", *++j->s))
			j->bad = true;
		if (n + 1 < size)
			out[n++] = *j->s;
		j->s++;
	}
	out[n] = '\0';
	json_must(j, '"');
}

static void json_number(struct json *j)
{
	uint64_t n = 0;

	j->bad |= !isdigit((unsigned char)*j->s) ||
		  (*j->s == '0' && isdigit((unsigned char)j->s[1]));
	while (isdigit((unsigned char)*j->s))
		n = n * 10 + (uint64_t)(*j->s++ - '0');
	j->found(j, NULL, n);
}

static void json_object(struct json *j)
{
	json_must(j, '{');
	if (json_is(j, '}') || j->depth == 4)
		return;
	do {
		json_string(j, j->path[j->depth], sizeof(j->path[0]));
		json_must(j, ':');
		j->depth++;
		json_value(j);
		j->depth--;
	} while (!j->bad && json_is(j, ','));
	json_must(j, '}');
}

static void json_array(struct json *j)
{
	json_must(j, '[');
	if (json_is(j, ']'))
		return;
	do
		json_value(j);
	while (!j->bad && json_is(j, ','));
	json_must(j, ']');
}

static void json_value(struct json *j)
{
	char text[64];

	if (*j->s == '{') {
		json_object(j);
	} else if (*j->s == '[') {
		json_array(j);
	} else if (*j->s == '"') {
		json_string(j, text, sizeof(text));
		j->found(j, text, 0);
	} else {
		json_number(j);
	}
}

static const struct figure *figure_named(const struct figure *f, size_t n,
					 const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(f[i].name, name))
			return &f[i];
	return NULL;
}

static void json_found(struct json *j, const char *text, uint64_t number)
{
	const struct figure *f;
	struct percu_pool_stats st;

	if (j->depth == 1 && text) {
		CU_ASSERT_STRING_EQUAL(j->path[0], "mode");
		CU_ASSERT_STRING_EQUAL(text, percu_mode());
	} else if (j->depth == 1) {
		f = figure_named(whole, NR_WHOLE, j->path[0]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		CU_ASSERT_EQUAL(number, figure_of(f, &j->all));
		j->figures++;
	} else if (text) {
		CU_ASSERT_STRING_EQUAL(j->path[1], "name");
		j->pool = pool_named(text);
		CU_ASSERT_PTR_NOT_NULL_FATAL(j->pool);
		j->pools++;
	} else {
		f = figure_named(one, NR_ONE, j->path[1]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		st = stats_of(j->pool);
		CU_ASSERT_EQUAL(number, figure_of(f, &st));
		j->figures++;
	}
}

/* Law: one valid object, with every figure of every pool that has objects. */
static void json(void)
{
	struct json j = { .found = json_found };
	char *s;

	begin();
	j.all = wholly();
	CU_ASSERT_EQUAL(j.all.slices.slices, 3);
	CU_ASSERT_EQUAL(j.all.slices.blocks, 2);
	CU_ASSERT_TRUE(j.all.slices.clones > 0);
	j.s = s = written(PERCU_STATS_JSON);
	json_value(&j);
	CU_ASSERT_FALSE(j.bad);
	CU_ASSERT_STRING_EQUAL(j.s, "\n");
	CU_ASSERT_EQUAL(j.pools, pools_used(false));
	CU_ASSERT_EQUAL(j.figures, NR_WHOLE + NR_ONE * j.pools);
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "odd\\\"name\\\\of{a=pool}"));
	CU_ASSERT_PTR_NULL(strstr(s, "never-used"));
	free(s);
	end();
}

/* OpenMetrics. ---------------------------------------------------------------------- */

struct metrics {
	char family[64]; /* the one that was declared last */
	bool total, typed, helped;
	unsigned int families, samples;
	char seen[64][64];
	struct wholly all;
};

static bool name_valid(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '_')
			return false;
	return true;
}

/* "# TYPE name counter|gauge" opens a family, which is new. */
static bool metrics_type(struct metrics *m, const char *line)
{
	char type[16];

	if (sscanf(line, "# TYPE %63s %15s", m->family, type) != 2)
		return false;
	m->total = !strcmp(type, "counter");
	for (unsigned int i = 0; i < m->families; i++)
		if (!strcmp(m->seen[i], m->family))
			return false;
	strcpy(m->seen[m->families++], m->family);
	return m->families < 64 && name_valid(m->family) &&
	       (m->total || !strcmp(type, "gauge"));
}

static bool metrics_help(struct metrics *m, const char *line)
{
	char name[64];
	int n = 0;

	return sscanf(line, "# HELP %63s %n", name, &n) == 1 && n && line[n] &&
	       !strcmp(name, m->family);
}

/* {pool="name"}, with \" and \\ in it.  Where it ends, or NULL. */
static const char *metrics_label(const char *s, char *name)
{
	if (strncmp(s, "{pool=\"", 7))
		return NULL;
	for (s += 7; *s && *s != '"'; s++) {
		if (*s == '\\' && *++s != '"' && *s != '\\')
			return NULL;
		*name++ = *s;
	}
	*name = '\0';
	return strncmp(s, "\"}", 2) ? NULL : s + 2;
}

static bool metrics_sample(struct metrics *m, const char *line)
{
	const char *fam = m->family, *s = line + strlen(fam);
	const struct figure *f;
	struct percu_pool_stats st;
	char name[64], *rest;
	uint64_t value;

	if (strncmp(line, fam, strlen(fam)))
		return false;
	if (m->total && strncmp(s, "_total", 6))
		return false;
	s += m->total ? 6 : 0;
	if (!strncmp(fam, "percu_pool_", 11)) {
		struct percu_pool *p;

		s = metrics_label(s, name);
		p = s ? pool_named(name) : NULL;
		f = figure_named(one, NR_ONE, fam + 11);
		if (!p || !f || f->total != m->total)
			return false;
		st = stats_of(p);
		value = figure_of(f, &st);
	} else {
		f = figure_named(whole, NR_WHOLE, fam + 6);
		if (!f || f->total != m->total)
			return false;
		value = figure_of(f, &m->all);
	}
	m->samples++;
	return *s == ' ' && strtoull(s + 1, &rest, 10) == value && !*rest;
}

/* Laws: each line is one of three, families are whole, the end is the end. */
static void openmetrics(void)
{
	struct metrics m = { .families = 0 };
	bool ended = false;
	char *s, *line, *next;

	begin();
	m.all = wholly();
	s = written(PERCU_STATS_OPENMETRICS);
	for (line = s; *line; line = next) {
		bool ok = !ended;

		next = strchr(line, '\n');
		CU_ASSERT_PTR_NOT_NULL_FATAL(next);
		*next++ = '\0';
		if (!strcmp(line, "# EOF"))
			ended = true;
		else if (!strncmp(line, "# TYPE ", 7))
			ok &= metrics_type(&m, line);
		else if (!strncmp(line, "# HELP ", 7))
			ok &= metrics_help(&m, line);
		else
			ok &= metrics_sample(&m, line);
		if (!ok)
			printf("\n    %s\n", line);
		CU_ASSERT(ok);
	}
	CU_ASSERT(ended);
	CU_ASSERT_EQUAL(m.families, NR_WHOLE + NR_ONE);
	CU_ASSERT_EQUAL(m.samples, NR_WHOLE + NR_ONE * pools_used(false));
	free(s);
	end();
}

/* slabinfo. ---------------------------------------------------------------------------- */

/* The sixteen columns of version 2.1. */
static bool slabinfo_line(const char *line)
{
	unsigned long active, num, size, per, pages, limit, batch, factor;
	unsigned long slabs, nslabs, avail;
	char name[64], copy[512], *word;
	struct percu_pool_stats st;
	struct percu_pool *p;
	int columns = 0;

	strcpy(copy, line);
	for (word = strtok(copy, " "); word; word = strtok(NULL, " "))
		columns++;
	if (columns != 16 ||
	    sscanf(line,
		   "%63s %lu %lu %lu %lu %lu : tunables %lu %lu %lu : slabdata "
		   "%lu %lu %lu",
		   name, &active, &num, &size, &per, &pages, &limit, &batch,
		   &factor, &slabs, &nslabs, &avail) != 12)
		return false;
	p = pool_named(name);
	if (!p)
		return false;
	st = stats_of(p);
	return active == st.outstanding && size == st.size &&
	       num == nslabs * per && slabs <= nslabs && active <= num &&
	       per * size <= pages * 4096 && limit && batch;
}

static void slabinfo(void)
{
	char *s, *line, *next;
	unsigned int n = 0;

	begin();
	s = written(PERCU_STATS_SLABINFO);
	for (line = s; *line; line = next) {
		next = strchr(line, '\n');
		CU_ASSERT_PTR_NOT_NULL_FATAL(next);
		*next++ = '\0';
		n++;
		if (n == 1) {
			CU_ASSERT_STRING_EQUAL(line, "slabinfo - version: 2.1");
			continue;
		}
		if (n == 2) {
			CU_ASSERT_EQUAL(strncmp(line, "# name ", 7), 0);
			continue;
		}
		if (!slabinfo_line(line))
			printf("\n    %s\n", line);
		CU_ASSERT(slabinfo_line(line));
	}
	CU_ASSERT_EQUAL(n, 2 + pools_used(true));
	CU_ASSERT_PTR_NULL(strstr(s, "foreign"));
	free(s);
	end();
}

/* Text. ----------------------------------------------------------------------------------- */

/* Law: each figure once with its value, a line for each pool with objects. */
static void text(void)
{
	char *s, *line, *next, name[64];
	unsigned int figures = 0, rows = 0;
	struct wholly all;

	begin();
	all = wholly();
	s = written(PERCU_STATS_TEXT);
	CU_ASSERT_EQUAL(strncmp(s, "percu ", 6), 0);
	for (line = s; *line; line = next) {
		unsigned long v[7];
		const struct figure *f;

		next = strchr(line, '\n');
		CU_ASSERT_PTR_NOT_NULL_FATAL(next);
		*next++ = '\0';
		if (sscanf(line, "%63s %lu %lu %lu %lu %lu %lu %lu", name, v,
			   v + 1, v + 2, v + 3, v + 4, v + 5, v + 6) == 8) {
			struct percu_pool *p = pool_named(name);
			struct percu_pool_stats st;

			CU_ASSERT_PTR_NOT_NULL_FATAL(p);
			st = stats_of(p);
			CU_ASSERT(v[0] == st.size && v[1] == st.gets &&
				  v[2] == st.puts && v[3] == st.misses &&
				  v[4] == st.outstanding && v[5] == st.cached &&
				  v[6] == st.failures);
			rows++;
		} else if (sscanf(line, "%63s %lu", name, v) == 2) {
			f = figure_named(whole, NR_WHOLE, name);
			CU_ASSERT_PTR_NOT_NULL_FATAL(f);
			CU_ASSERT_EQUAL(v[0], figure_of(f, &all));
			figures++;
		}
	}
	CU_ASSERT_EQUAL(figures, NR_WHOLE);
	CU_ASSERT_EQUAL(rows, pools_used(false));
	free(s);
	end();
}

static const CU_TestInfo tests[] = {
	{ "JSON is valid and complete", json },
	{ "OpenMetrics is valid and complete", openmetrics },
	{ "slabinfo has its sixteen columns", slabinfo },
	{ "text has every figure", text },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("write", tests);
}
