/* SPDX-License-Identifier: MIT */
/*
 * bench/rows.h - results
 *
 * A row is printed when it is made, and kept: for the table of what was
 * promised, for JSON, for the pictures.  A row's key is its group, its name
 * and, in a curve, x; what bounds.tsv says of a key is the row's bound.
 *
 * As text a row is one line with tabs between
 *
 *	kind group x name mid lo hi least rounds unit note sense wish held verdict
 *
 * where x is "-" outside a curve and the last four are empty without a bound.  kind and what else differs:
 *
 *	title	name: what is timed; unit: what x is
 *	time	of one contestant, a unit of its work; note: its role
 *	ratio	note: who the best peer is
 *	figure	a size, a share, a count: measured, but no time of a turn
 *	bucket	of a histogram: x in ns, mid gets of so long
 *	skip	note: why
 *	machine	name: what; note: it
 *	remark	note: what has to be said with it
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/method.h"

enum {
	ROW_NAME = 72,
	ROW_GROUP = 32,
	ROW_NOTE = 160
};

enum row_kind {
	ROW_TITLE,
	ROW_TIME,
	ROW_RATIO,
	ROW_FIGURE,
	ROW_BUCKET,
	ROW_SKIP,
	ROW_MACHINE,
	ROW_REMARK,
	NR_ROW_KINDS
};

struct row {
	enum row_kind kind;
	char group[ROW_GROUP], name[ROW_NAME];
	char unit[16], note[ROW_NOTE];
	double x; /* NO_X outside a curve */
	struct estimate e;
};

void row_title(const char *group, const char *what, const char *axis);
void row_time(const char *group, double x, const char *name,
	      const struct estimate *ns, const char *role);
void row_ratio(const char *group, double x, const char *name,
	       const struct estimate *e, const char *note);
void row_figure(const char *group, double x, const char *name, double figure,
		const char *unit);
void row_estimate(const char *group, double x, const char *name,
		  const struct estimate *e, const char *unit); /* a figure */
void row_bucket(const char *group, double ns, const char *name, double count);
void row_skip(const char *group, const char *name, const char *why);
void row_remark(const char *group, const char *note);
void row_machine(const char *what, const char *is);

void rows_read(int fd); /* those that a child writes, till it closes fd */
void rows_table(void);  /* all that have a bound */
bool rows_json(const char *path);
bool rows_tsv(const char *path);
size_t nr_rows(void);
const struct row *row_at(size_t i);
void rows_drop(const char *group); /* forgets a group: it is measured anew */

/* bounds.c: bounds.tsv, which says what the columns are */
enum verdict {
	UNBOUND,
	OK,
	MISSED, /* not what is wished, but as good as it was */
	WORSE,  /* than it was, by more than noise */
	NR_VERDICTS
};
extern const char *const verdicts[NR_VERDICTS];

struct bound {
	char group[ROW_GROUP], name[ROW_NAME];
	double x;
	bool most; /* else least */
	double wish, held;
	bool guarded; /* percu-bench check looks at it */
	char why[ROW_NOTE];
};
const struct bound *bounds(size_t *n);
const struct bound *bound_of(const struct row *r); /* or NULL */
enum verdict judge(const struct row *r);
unsigned int rows_judged(enum verdict v); /* how many are so */

#endif /* BENCH_ROWS_H */
