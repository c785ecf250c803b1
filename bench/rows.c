/* SPDX-License-Identifier: MIT */
/*
 * bench/rows.c - results
 *
 * A child writes its rows to its parent as lines of text; the parent keeps
 * them as its own and does not print them again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

static struct row *rows;
static size_t count, room;

static const char *const kinds[NR_ROW_KINDS] = {
	"title",  "time", "ratio",   "figure",
	"bucket", "skip", "machine", "remark",
};

/* On paper. -------------------------------------------------------------------- */

static void print_name(const struct row *r)
{
	if (isnan(r->x))
		printf("  %-54s", r->name);
	else
		printf("  %9.15g  %-43s", r->x, r->name);
}

static void print_verdict(const struct row *r)
{
	const struct bound *b = bound_of(r);

	if (b)
		printf("  %s %.6g  %s", b->most ? "at most" : "at least",
		       b->wish, verdicts[judge(r)]);
}

static void print_figures(const struct row *r)
{
	if (r->e.rounds > 1)
		printf("%9.2f %-4s %8.2f .. %-8.2f", r->e.mid, r->unit, r->e.lo,
		       r->e.hi);
	else
		printf("%9.2f %-4s %20s", r->e.mid, r->unit, "");
}

static void print(const struct row *r)
{
	switch (r->kind) {
	case ROW_TITLE:
		printf("%s: %s\n", r->group, r->name);
		return;
	case ROW_SKIP:
		printf("  %s skipped: %s\n", r->name, r->note);
		return;
	case ROW_REMARK:
		printf("  - %s\n", r->note);
		return;
	case ROW_MACHINE:
		printf("%-10s %s\n", r->name, r->note);
		return;
	case ROW_BUCKET:
		return;
	default:
		break;
	}
	print_name(r);
	print_figures(r);
	if (r->kind == ROW_RATIO && estimate_wide(&r->e))
		printf("  wide");
	print_verdict(r);
	if (r->kind == ROW_RATIO && r->note[0])
		printf("  %s", r->note);
	putchar('\n');
}

void rows_table(void)
{
	printf("\nwhat was promised\n");
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];

		if (!bound_of(r))
			continue;
		printf("%-16s", r->group);
		print(r);
	}
	printf("%u ok, %u missed, %u worse than recorded\n", rows_judged(OK),
	       rows_judged(MISSED), rows_judged(WORSE));
}

/* As lines. -------------------------------------------------------------------- */

static void write_line(FILE *f, const struct row *r)
{
	const struct bound *b = bound_of(r);

	fprintf(f, "%s\t%s\t", kinds[r->kind], r->group);
	if (isnan(r->x))
		fputc('-', f);
	else
		fprintf(f, "%.15g", r->x);
	fprintf(f, "\t%s\t%.9g\t%.9g\t%.9g\t%.9g\t%u\t%s\t%s", r->name,
		r->e.mid, r->e.lo, r->e.hi, r->e.least, r->e.rounds, r->unit,
		r->note);
	if (b)
		fprintf(f, "\t%s\t%.9g\t%.9g\t%s\n", b->most ? "most" : "least",
			b->wish, b->held, verdicts[judge(r)]);
	else
		fputs("\t\t\t\t\n", f);
}

static bool kind_of(const char *s, enum row_kind *kind)
{
	for (size_t i = 0; i < NR_ROW_KINDS; i++) {
		if (!strcmp(s, kinds[i])) {
			*kind = (enum row_kind)i;
			return true;
		}
	}
	return false;
}

/* Cuts line at its tabs. */
static bool read_line(char *line, struct row *r)
{
	char *field[11];

	for (size_t i = 0; i < ARRAY_SIZE(field); i++) {
		field[i] = strsep(&line, "\t\n");
		if (!field[i])
			return false;
	}
	*r = (struct row){ .x = NO_X };
	if (!kind_of(field[0], &r->kind))
		return false;
	snprintf(r->group, sizeof(r->group), "%s", field[1]);
	if (field[2][0] != '-')
		r->x = strtod(field[2], NULL);
	snprintf(r->name, sizeof(r->name), "%s", field[3]);
	r->e.mid = strtod(field[4], NULL);
	r->e.lo = strtod(field[5], NULL);
	r->e.hi = strtod(field[6], NULL);
	r->e.least = strtod(field[7], NULL);
	r->e.rounds = (unsigned int)strtoul(field[8], NULL, 10);
	snprintf(r->unit, sizeof(r->unit), "%s", field[9]);
	snprintf(r->note, sizeof(r->note), "%s", field[10]);
	return true;
}

/* Kept. ------------------------------------------------------------------------ */

static void keep(const struct row *r)
{
	static FILE *up;

	if (count == room) {
		room = room ? 2 * room : 256;
		rows = realloc(rows, room * sizeof(*rows));
		die_unless(rows, "rows");
	}
	rows[count++] = *r;
	if (opt.rows_fd < 0)
		return;
	if (!up)
		up = fdopen(opt.rows_fd, "w");
	die_unless(up, "--rows");
	write_line(up, r);
	fflush(up);
}

static void make(const struct row *r)
{
	print(r);
	fflush(stdout);
	keep(r);
}

size_t nr_rows(void)
{
	return count;
}

const struct row *row_at(size_t i)
{
	return &rows[i];
}

void rows_read(int fd)
{
	FILE *f = fdopen(fd, "r");
	char line[640];
	struct row r;

	while (f && fgets(line, sizeof(line), f))
		if (read_line(line, &r))
			keep(&r);
	if (f)
		fclose(f);
}

/* Made. ------------------------------------------------------------------------ */

static struct row row_of(enum row_kind kind, const char *group, double x,
			 const char *name)
{
	struct row r = { .kind = kind, .x = x };

	snprintf(r.group, sizeof(r.group), "%s", group);
	snprintf(r.name, sizeof(r.name), "%s", name);
	return r;
}

void row_title(const char *group, const char *what, const char *axis)
{
	struct row r = row_of(ROW_TITLE, group, NO_X, what);

	/* One title for all points of a curve. */
	for (size_t i = count; i-- && strcmp(rows[i].group, group) == 0;)
		if (rows[i].kind == ROW_TITLE)
			return;
	snprintf(r.unit, sizeof(r.unit), "%s", axis ? axis : "");
	make(&r);
}

static void measured(enum row_kind kind, const char *group, double x,
		     const char *name, const struct estimate *e,
		     const char *unit, const char *note)
{
	struct row r = row_of(kind, group, x, name);

	r.e = *e;
	snprintf(r.unit, sizeof(r.unit), "%s", unit);
	snprintf(r.note, sizeof(r.note), "%s", note);
	make(&r);
}

static const char *const roles[] = { "", "limit", "ours", "peer", "ours" };

void row_time(const char *group, double x, const char *name,
	      const struct estimate *ns, enum role role)
{
	measured(ROW_TIME, group, x, name, ns, "ns", roles[role]);
}

void row_ratio(const char *group, double x, const char *name,
	       const struct estimate *e, const char *note)
{
	measured(ROW_RATIO, group, x, name, e, "x", note);
}

struct estimate once(double figure)
{
	return (struct estimate){ figure, figure, figure, figure, 1 };
}

void row_figure(const char *group, double x, const char *name, double figure,
		const char *unit)
{
	const struct estimate e = once(figure);

	measured(ROW_FIGURE, group, x, name, &e, unit, "");
}

void row_of_each(const char *group, double x, const char *who, const char *what,
		 const struct estimate *e, const char *unit, enum role role)
{
	char name[ROW_NAME];

	snprintf(name, sizeof(name), "%s: %s", who, what);
	measured(ROW_FIGURE, group, x, name, e, unit, roles[role]);
}

void row_bucket(const char *group, double ns, const char *name, double n)
{
	struct row r = row_of(ROW_BUCKET, group, ns, name);

	r.e = once(n);
	make(&r);
}

void row_skip(const char *group, const char *name, const char *why)
{
	struct row r = row_of(ROW_SKIP, group, NO_X, name);

	for (size_t i = 0; i < count; i++) /* once is enough */
		if (rows[i].kind == ROW_SKIP && !strcmp(rows[i].name, name) &&
		    !strcmp(rows[i].group, group))
			return;
	snprintf(r.note, sizeof(r.note), "%s", why);
	make(&r);
}

void row_remark(const char *group, const char *note)
{
	struct row r = row_of(ROW_REMARK, group, NO_X, "");

	snprintf(r.note, sizeof(r.note), "%s", note);
	make(&r);
}

void row_machine(const char *what, const char *is)
{
	struct row r = row_of(ROW_MACHINE, "", NO_X, what);

	snprintf(r.note, sizeof(r.note), "%s", is);
	make(&r);
}

/* In files. -------------------------------------------------------------------- */

bool rows_tsv(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f) {
		perror(path);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		write_line(f, &rows[i]);
	return !fclose(f);
}

static void json_string(FILE *f, const char *key, const char *s)
{
	fprintf(f, "\"%s\": \"", key);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', f);
		if ((unsigned char)*s >= ' ')
			fputc(*s, f);
	}
	fputc('"', f);
}

/* JSON knows no infinity. */
static void json_number(FILE *f, const char *key, double x)
{
	if (isfinite(x))
		fprintf(f, ", \"%s\": %.9g", key, x);
	else
		fprintf(f, ", \"%s\": null", key);
}

static void json_row(FILE *f, const struct row *r)
{
	const struct bound *b = bound_of(r);

	json_string(f, "kind", kinds[r->kind]);
	fputs(", ", f);
	json_string(f, "group", r->group);
	fputs(", ", f);
	json_string(f, "name", r->name);
	if (!isnan(r->x))
		fprintf(f, ", \"x\": %.15g", r->x);
	if (r->e.rounds) {
		json_number(f, "mid", r->e.mid);
		json_number(f, "lo", r->e.lo);
		json_number(f, "hi", r->e.hi);
		json_number(f, "least", r->e.least);
		fprintf(f, ", \"rounds\": %u", r->e.rounds);
		if (r->kind == ROW_RATIO)
			fprintf(f, ", \"wide\": %s",
				estimate_wide(&r->e) ? "true" : "false");
	}
	fputs(", ", f);
	json_string(f, "unit", r->unit);
	fputs(", ", f);
	json_string(f, "note", r->note);
	if (b)
		fprintf(f,
			", \"bound\": {\"%s\": %.9g, \"held\": %.9g, "
			"\"verdict\": \"%s\"}",
			b->most ? "most" : "least", b->wish, b->held,
			verdicts[judge(r)]);
}

bool rows_json(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f) {
		perror(path);
		return false;
	}
	fprintf(f, "{\"rows\": [\n");
	for (size_t i = 0; i < count; i++) {
		fputs("  {", f);
		json_row(f, &rows[i]);
		fprintf(f, "}%s\n", i + 1 < count ? "," : "");
	}
	fprintf(f, "]}\n");
	return !fclose(f);
}
