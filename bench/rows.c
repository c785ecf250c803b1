/* SPDX-License-Identifier: MIT */
/*
 * bench/rows.c - results
 *
 * A row is printed when it is made, and kept for the table at the end.  A
 * child writes its rows to its parent as well, one line each, tabs between
 * the fields; the parent keeps them as its own and does not print them again.
 *
 * A figure is judged as it is printed: 1.104 is 1.10.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

struct row {
	char name[80];
	char unit[32]; /* or why it was skipped */
	double figure, bound;
	enum row_kind kind;
};

static struct row *rows;
static size_t nr_rows, room;

static double shown(double x)
{
	return (double)(long long)(x * 100 + (x < 0 ? -0.5 : 0.5)) / 100;
}

static bool missed(const struct row *r)
{
	return (r->kind == ROW_MOST && !(shown(r->figure) <= r->bound)) ||
	       (r->kind == ROW_LEAST && !(shown(r->figure) >= r->bound));
}

static void print(const struct row *r)
{
	if (r->kind == ROW_SKIP) {
		printf("%-58s skipped: %s\n", r->name, r->unit);
		return;
	}
	printf("%-58s %10.2f %-4s", r->name, r->figure, r->unit);
	if (r->kind != ROW_INFO)
		printf(" %-8s %8.2f  %s",
		       r->kind == ROW_MOST ? "at most" : "at least", r->bound,
		       missed(r) ? "MISSED" : "ok");
	putchar('\n');
}

static void keep(const struct row *r)
{
	if (nr_rows == room) {
		room = room ? 2 * room : 64;
		rows = realloc(rows, room * sizeof(*rows));
		if (!rows) {
			perror("percu-bench");
			exit(1);
		}
	}
	rows[nr_rows++] = *r;
	if (opt.rows_fd >= 0)
		dprintf(opt.rows_fd, "%s\t%s\t%.17g\t%.17g\t%d\n", r->name,
			r->unit, r->figure, r->bound, (int)r->kind);
}

static void make(enum row_kind kind, const char *name, double figure,
		 const char *unit, double bound)
{
	struct row r = { .figure = figure, .bound = bound, .kind = kind };

	snprintf(r.name, sizeof(r.name), "%s", name);
	snprintf(r.unit, sizeof(r.unit), "%s", unit);
	print(&r);
	fflush(stdout);
	keep(&r);
}

void row_info(const char *name, double figure, const char *unit)
{
	make(ROW_INFO, name, figure, unit, 0);
}

void row_most(const char *name, double figure, const char *unit, double bound)
{
	make(ROW_MOST, name, figure, unit, bound);
}

void row_least(const char *name, double figure, const char *unit, double bound)
{
	make(ROW_LEAST, name, figure, unit, bound);
}

void row_skip(const char *name, const char *why)
{
	make(ROW_SKIP, name, 0, why, 0);
}

void rows_ns(const struct contestant *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		row_info(c[i].name, c[i].ns, "ns");
}

void rows_read(int fd)
{
	FILE *f = fdopen(fd, "r");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		struct row r = { 0 };
		int kind;

		if (sscanf(line, "%79[^\t]\t%31[^\t]\t%lf\t%lf\t%d", r.name,
			   r.unit, &r.figure, &r.bound, &kind) != 5)
			continue;
		r.kind = (enum row_kind)kind;
		keep(&r);
	}
	if (f)
		fclose(f);
}

void rows_table(void)
{
	printf("\n%-58s %15s %-8s %8s\n", "case", "figure     ", "bound", "");
	for (size_t i = 0; i < nr_rows; i++)
		if (rows[i].kind != ROW_INFO)
			print(&rows[i]);
	printf("%u missed\n", rows_missed());
}

unsigned int rows_missed(void)
{
	unsigned int n = 0;

	for (size_t i = 0; i < nr_rows; i++)
		n += missed(&rows[i]);
	return n;
}

/* Names and units are ours: nothing in them needs quoting. */
static void print_json(FILE *f, const struct row *r, const char *end)
{
	static const char *const kind[] = { "info", "at most", "at least",
					    "skipped" };

	fprintf(f, "  {\"case\": \"%s\", \"kind\": \"%s\", \"figure\": %.6g, ",
		r->name, kind[r->kind], r->figure);
	fprintf(f, "\"unit\": \"%s\", \"bound\": %.6g, \"missed\": %s}%s\n",
		r->unit, r->bound, missed(r) ? "true" : "false", end);
}

bool rows_json(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f) {
		perror(path);
		return false;
	}
	fprintf(f, "[\n");
	for (size_t i = 0; i < nr_rows; i++)
		print_json(f, &rows[i], i + 1 < nr_rows ? "," : "");
	fprintf(f, "]\n");
	return !fclose(f);
}
