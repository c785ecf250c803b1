// SPDX-License-Identifier: MIT
/*
 * stress/timeline.c - the names of the parts, above the plots
 *
 * Short parts stand close together, on a phone closer still, so a name goes on
 * the first line where it meets no other.  What a letter takes is a phone's
 * measure: on a desk there is room to spare.
 */
#include <string.h>
#include "report.h"

enum {
	LABELS = 8, /* lines of them */
	LABEL_PX = 15,
	CHAR = 25, /* of PLOT_WIDTH that a letter takes on a phone */
};

struct label {
	double from, to;  /* that it takes of a line */
	unsigned int row; /* line */
	bool before; /* it ends at its mark: there is no room behind that */
};

/* The first line where it meets none of those that are placed. */
static unsigned int label_row(const struct label *all, unsigned int n,
			      const struct label *l)
{
	unsigned int taken = 0, row = 0;

	for (unsigned int i = 0; i < n; i++)
		if (all[i].from < l->to && l->from < all[i].to)
			taken |= 1u << all[i].row;
	while (taken >> row & 1 && row < LABELS - 1)
		row++;
	return row;
}

static unsigned int labels_place(struct label *all)
{
	unsigned int n = 0, rows = 0;

	for (unsigned int i = 0; i < nr_parts; i++) {
		struct label *l = &all[n];
		double x, width;

		if (part_is_inner(&parts[i]))
			continue;
		part_place(&parts[i], &x, &width);
		width = CHAR * (double)(strlen(parts[i].name) + 1);
		l->before = x + width > PLOT_WIDTH;
		l->from = l->before ? x - width : x;
		l->to = l->from + width;
		l->row = label_row(all, n, l);
		rows = l->row >= rows ? l->row + 1 : rows;
		n++;
	}
	return rows;
}

void timeline_write(FILE *f)
{
	struct label all[PARTS_MAX];
	unsigned int rows = labels_place(all);
	const struct label *l = all;

	fprintf(f, "<div class=\"timeline\" style=\"height:%upx\">",
		rows * LABEL_PX + 6);
	for (unsigned int i = 0; i < nr_parts; i++) {
		double x, width;

		if (part_is_inner(&parts[i]))
			continue;
		part_place(&parts[i], &x, &width);
		fprintf(f,
			"<span%s style=\"left:%.2f%%;padding-top:%upx\"><i>%s</i></span>",
			l->before ? " class=\"before\"" : "", x / 10,
			l->row * LABEL_PX, parts[i].name);
		l++;
	}
	fprintf(f, "</div>\n");
}
