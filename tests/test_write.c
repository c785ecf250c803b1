/* SPDX-License-Identifier: MIT */
/*
 * tests/test_write.c - percu_stats_write(), read back
 *
 * Each format is parsed by its own grammar, as strictly as those who will
 * read it, and what it says is held against percu_memstats() and
 * percu_pool_stats().  JSON has test_write_json.c; what can go wrong is in
 * test_write_fail.c.
 */
#include <ctype.h>

#include "tests/written.h"

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
	{ "OpenMetrics is valid and complete", openmetrics },
	{ "slabinfo has its sixteen columns", slabinfo },
	{ "text has every figure", text },
	CU_TEST_INFO_NULL
};

int main(void)
{
	return check_main("write", tests);
}
