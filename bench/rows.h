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
 * where x is "-" outside a curve and the last four are empty without a bound.
 * rounds is 1 where nothing was repeated: then there is no interval.  kind and
 * what else differs:
 *
 *	title	name: what is timed; unit: what x is
 *	time	of one contestant, a unit of its work; note: its role
 *	ratio	note: which peer it is of, where below 1 percu has lost
 *	figure	a size, a share, a count: measured, but no time of a turn; note:
 *		where others have it too, whose it is, "WHO: WHAT" the name
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
	      const struct estimate *ns, enum role role);
void row_ratio(const char *group, double x, const char *name,
	       const struct estimate *e, const char *note);
void row_figure(const char *group, double x, const char *name, double figure,
		const char *unit);
/* A figure that all have, named "who: what"; less is better. */
void row_of_each(const char *group, double x, const char *who, const char *what,
		 const struct estimate *e, const char *unit, enum role role);
struct estimate once(double figure); /* what was not repeated */
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

/* bounds.c: bounds.tsv, which says what the columns are; best verdicts first */
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
	double quick; /* what the least times are held to; or NAN */
	bool exact;   /* counted: there is no noise in it */
	char why[ROW_NOTE];
};
const struct bound *bounds(size_t *n);
/* Which other processor's least times bounds.tsv has; NULL: this one's. */
const char *bounds_elsewhere(void);
const struct bound *bound_of(const struct row *r); /* or NULL */
bool bound_read(char *line, struct bound *b); /* a line of it, which it cuts */
enum verdict bound_judge(const struct bound *b, const struct estimate *e);
/* Does a row of skip say why what b is about was not measured? */
bool bound_skipped(const struct bound *b, const struct row *skip);
enum verdict judge(const struct row *r);
unsigned int rows_judged(enum verdict v); /* how many are so */

#endif /* BENCH_ROWS_H */
