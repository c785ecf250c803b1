/* SPDX-License-Identifier: MIT */
/*
 * bench/bounds.c - what was promised, and what must not get worse
 *
 * The text of bounds.tsv is part of the program.  A row is judged as it is
 * printed: 1.104 is 1.10.  It is worse than recorded if one of two says so:
 *
 *	the least times, which a neighbour spares, are beyond what they are
 *	held to; whatever the median is, and whatever was wished
 *	the wish is missed, and both the median's interval and the least times
 *	are beyond what is held
 *
 * each time by more than noise.  What was counted has no noise: one more than
 * held is worse.  What least times are held to is one processor's, which a
 * comment names, for how near percu comes to a limit is the core's doing, too;
 * on any other it is left alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

/* The assembler looks it up from the top folder, where make runs. */
__asm__(".pushsection .rodata\n"
	"bounds_text:\n\t"
	".incbin \"bench/bounds.tsv\"\n\t"
	".byte 0\n"
	".popsection\n");
extern const char bounds_text[];

const char *const verdicts[NR_VERDICTS] = { "", "ok", "MISSED", "WORSE" };

static const double NOISE = 0.05;

static const char RECORDED[] = "# recorded on ";

static struct bound *table;
static size_t nr_bounds;
static char recorded[128]; /* on which processor */

static void bad(const char *line)
{
	fprintf(stderr, "percu-bench: bounds.tsv: %s\n", line);
	exit(2);
}

/* group x name most|least wish held least|exact why */
bool bound_read(char *line, struct bound *b)
{
	char *field[8], *rest = line;

	for (size_t i = 0; i < ARRAY_SIZE(field); i++) {
		field[i] = strsep(&rest, "\t");
		if (!field[i])
			return false;
	}
	snprintf(b->group, sizeof(b->group), "%s", field[0]);
	b->x = strcmp(field[1], "-") ? strtod(field[1], NULL) : NO_X;
	snprintf(b->name, sizeof(b->name), "%s", field[2]);
	b->most = !strcmp(field[3], "most");
	if (!b->most && strcmp(field[3], "least"))
		return false;
	b->wish = strtod(field[4], NULL);
	b->held = strcmp(field[5], "-") ? strtod(field[5], NULL) : b->wish;
	b->exact = !strcmp(field[6], "exact");
	b->quick = b->exact ? b->held : (double)NAN;
	if (!b->exact && strcmp(field[6], "-"))
		b->quick = strtod(field[6], NULL);
	snprintf(b->why, sizeof(b->why), "%s", field[7]);
	return !rest;
}

static void read_bound(char *line, struct bound *b)
{
	if (!bound_read(line, b))
		bad(line);
}

static void read_line(char *line)
{
	size_t n = sizeof(RECORDED) - 1;

	if (!strncmp(line, RECORDED, n))
		snprintf(recorded, sizeof(recorded), "%s", line + n);
	else if (line[0] && line[0] != '#')
		read_bound(line, &table[nr_bounds++]);
}

const char *bounds_elsewhere(void)
{
	return strcmp(recorded, cpu_model()) ? recorded : NULL;
}

const struct bound *bounds(size_t *n)
{
	char *text, *rest, *line;

	if (!table) {
		text = rest = strdup(bounds_text);
		die_unless(text, "bounds.tsv");
		table = calloc(strlen(text) / 16 + 1, sizeof(*table));
		die_unless(table, "bounds.tsv");
		while ((line = strsep(&rest, "\n")))
			read_line(line);
		free(text);
		for (size_t i = 0; bounds_elsewhere() && i < nr_bounds; i++)
			if (!table[i].exact)
				table[i].quick = (double)NAN;
	}
	*n = nr_bounds;
	return table;
}

static bool same_x(double a, double b)
{
	return (isnan(a) && isnan(b)) || a == b;
}

const struct bound *bound_of(const struct row *r)
{
	size_t n;
	const struct bound *b = bounds(&n);

	if (r->kind != ROW_RATIO && r->kind != ROW_FIGURE)
		return NULL;
	for (; n--; b++)
		if (!strcmp(b->group, r->group) && !strcmp(b->name, r->name) &&
		    same_x(b->x, r->x))
			return b;
	return NULL;
}

static double shown(double x)
{
	return (double)(long long)(x * 100 + (x < 0 ? -0.5 : 0.5)) / 100;
}

/* Is what was measured beyond what it is held to, by more than noise? */
static bool beyond(const struct bound *b, double is, double held)
{
	double noise = b->exact ? 0 : NOISE;

	return b->most ? is > held * (1 + noise) : is < held * (1 - noise);
}

enum verdict bound_judge(const struct bound *b, const struct estimate *e)
{
	if (!isnan(b->quick) && beyond(b, e->least, b->quick))
		return WORSE;
	if (b->most ? shown(e->mid) <= b->wish : shown(e->mid) >= b->wish)
		return OK;
	if (beyond(b, b->most ? e->lo : e->hi, b->held) &&
	    beyond(b, e->least, b->held))
		return WORSE;
	return MISSED;
}

enum verdict judge(const struct row *r)
{
	const struct bound *b = bound_of(r);

	return b ? bound_judge(b, &r->e) : UNBOUND;
}

/* The skip of a whole group goes by the group's name, others by a part's. */
bool bound_skipped(const struct bound *b, const struct row *skip)
{
	size_t n = strlen(skip->group);

	if (skip->kind != ROW_SKIP || strncmp(b->group, skip->group, n) ||
	    (n && b->group[n] && b->group[n] != '-'))
		return false;
	return (n && !strcmp(skip->name, skip->group)) ||
	       strstr(b->name, skip->name);
}

unsigned int rows_judged(enum verdict v)
{
	unsigned int n = 0;

	for (size_t i = 0; i < nr_rows(); i++)
		n += judge(row_at(i)) == v;
	return n;
}
