// SPDX-License-Identifier: MIT
/*
 * stress/plot.c - samples as SVG
 *
 * Every plot has the same axis of time.  Behind it stand the parts of the run,
 * every other one shaded; below it a mark wherever a fault fired.  Lines differ
 * in their strokes and not in colour alone.
 *
 * A drawing is 1000 wide and 100 high and is stretched to whatever room there
 * is, with strokes that are not; so all that is text is HTML around it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report.h"

enum {
	HEIGHT = 100,
	TICKS_MAX = 7,
	TENS = 4,
};

typedef double (*value_fn)(const struct sample *before, const struct sample *s);
typedef struct numeral (*unit_fn)(double v);

struct series {
	const char *name, *stroke; /* a class of the style */
	value_fn value;
};

struct plot {
	const char *id, *title, *what;
	unit_fn unit;
	struct series series[2];
	bool bars; /* the first one as bars, on a scale of powers of ten */
};

static const struct sample *samples;
static size_t nr;
static double whole; /* seconds, all of the axis */

/* What is plotted. ----------------------------------------------------------- */

static double live(const struct sample *before, const struct sample *s)
{
	(void)before;
	return (double)s->live;
}

static double resident(const struct sample *before, const struct sample *s)
{
	(void)before;
	return (double)s->resident;
}

static double cached(const struct sample *before, const struct sample *s)
{
	(void)before;
	return (double)s->cached;
}

static double deferred(const struct sample *before, const struct sample *s)
{
	(void)before;
	return (double)s->deferred;
}

static double rate(const struct sample *before, const struct sample *s)
{
	uint64_t ns = s->ns - before->ns;

	return ns ? (double)(s->operations - before->operations) * 1e9 /
			       (double)ns :
		    0;
}

/* NAN: none has ended. */
static double grace(const struct sample *before, const struct sample *s)
{
	uint64_t n = s->grace_periods - before->grace_periods;

	return n ? (double)(s->grace_ns - before->grace_ns) / (double)n :
		   (double)NAN;
}

static struct numeral unit_bytes(double v)
{
	struct numeral n;

	if (v >= 1e9)
		snprintf(n.s, sizeof(n.s), "%.3g GB", v / 1e9);
	else if (v >= 1e6)
		snprintf(n.s, sizeof(n.s), "%.3g MB", v / 1e6);
	else
		snprintf(n.s, sizeof(n.s), "%.3g kB", v / 1e3);
	return n;
}

static struct numeral unit_rate(double v)
{
	struct numeral n;

	if (v >= 1e9)
		snprintf(n.s, sizeof(n.s), "%.3g G/s", v / 1e9);
	else if (v >= 1e6)
		snprintf(n.s, sizeof(n.s), "%.3g M/s", v / 1e6);
	else if (v >= 1e3)
		snprintf(n.s, sizeof(n.s), "%.3g k/s", v / 1e3);
	else
		snprintf(n.s, sizeof(n.s), "%.3g /s", v);
	return n;
}

static struct numeral unit_time(double v)
{
	struct numeral n;

	if (v >= 1e9)
		snprintf(n.s, sizeof(n.s), "%g s", v / 1e9);
	else if (v >= 1e6)
		snprintf(n.s, sizeof(n.s), "%g ms", v / 1e6);
	else
		snprintf(n.s, sizeof(n.s), "%g \xc2\xb5s", v / 1e3);
	return n;
}

static const struct plot plots[] = {
	{ "memory",
	  "Live and resident memory",
	  "Bytes in objects and blocks that are out, and resident memory of "
	  "the whole process.",
	  unit_bytes,
	  { { "resident", "b", resident }, { "live", "a", live } },
	  false },
	{ "waiting",
	  "Cached and deferred",
	  "Bytes in objects that wait on CPUs and in depots, and in objects "
	  "that wait for readers.",
	  unit_bytes,
	  { { "cached", "a", cached }, { "deferred", "b", deferred } },
	  false },
	{ "operations",
	  "Operations",
	  "Objects and blocks that were got or put, a second, by tens.",
	  unit_rate,
	  { { "got and put", "a", rate }, { NULL, NULL, NULL } },
	  true },
	{ "grace",
	  "Grace periods",
	  "How long they took, by tens: the mean of those that ended in each "
	  "sample.",
	  unit_time,
	  { { "mean", "a", grace }, { NULL, NULL, NULL } },
	  true },
};

/* Axes. ---------------------------------------------------------------------- */

static double x_of(uint64_t ns)
{
	return (double)ns / 1e9 / whole * PLOT_WIDTH;
}

static double highest(const struct series *s)
{
	double most = 0;

	for (size_t i = 1; i < nr; i++) {
		double v = s->value(&samples[i - 1], &samples[i]);

		most = v > most ? v : most; /* NAN is not */
	}
	return most;
}

/* 1, 2 or 5 times a power of ten, and no less than that. */
static double nice(double v)
{
	double ten = pow(10, floor(log10(v)));

	if (v <= 0)
		return 1;
	return v <= ten     ? ten :
	       v <= 2 * ten ? 2 * ten :
	       v <= 5 * ten ? 5 * ten :
			      10 * ten;
}

/* The axis of time, with words: seconds, or minutes. */
static void time_write(FILE *f)
{
	double step = nice(whole / TICKS_MAX);
	bool minutes = whole > 300;

	fprintf(f, "<div class=\"time\">");
	for (double t = 0; t <= whole; t += step)
		fprintf(f, "<span style=\"left:%.2f%%\">%g%s</span>",
			100 * t / whole, minutes ? t / 60 : t,
			t > 0   ? "" :
			minutes ? " min" :
				  " s");
	fprintf(f, "</div>\n");
}

bool part_is_inner(const struct part *p)
{
	return strchr(p->name, ':') != NULL;
}

void part_place(const struct part *p, double *x, double *width)
{
	uint64_t start = sampler_start();

	*x = x_of(p->start_ns > start ? p->start_ns - start : 0);
	*width = p->seconds / whole * PLOT_WIDTH;
}

static void bands_write(FILE *f)
{
	unsigned int n = 0;
	double x, width;

	for (unsigned int i = 0; i < nr_parts; i++) {
		if (part_is_inner(&parts[i]))
			continue;
		part_place(&parts[i], &x, &width);
		if (n++ % 2 == 0)
			fprintf(f,
				"<rect class=\"band\" x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"%d\"/>",
				x, width, HEIGHT);
	}
	fprintf(f, "\n");
}

/* A mark where any fault fired. */
static void marks_write(FILE *f)
{
	fprintf(f, "<path class=\"mark\" d=\"");
	for (size_t i = 1; i < nr; i++) {
		bool any = false;

		for (int id = 0; id < NR_FAULTS; id++)
			any |= samples[i].fired[id] != samples[i - 1].fired[id];
		if (any)
			fprintf(f, "M%.1f,%dv-4", x_of(samples[i].ns), HEIGHT);
	}
	fprintf(f, "\"/>\n");
}

static void strip_begin(FILE *f, const char *label)
{
	fprintf(f,
		"<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"%s\">\n",
		PLOT_WIDTH, HEIGHT, label);
	bands_write(f);
}

static void strip_end(FILE *f)
{
	fprintf(f, "</svg>\n");
}

/* Lines. --------------------------------------------------------------------- */

static void line_write(FILE *f, const struct series *s, double most)
{
	fprintf(f, "<path class=\"line %s\" d=\"", s->stroke);
	for (size_t i = 1; i < nr; i++)
		fprintf(f, "%c%.1f,%.2f", i > 1 ? 'L' : 'M',
			x_of(samples[i].ns),
			HEIGHT - s->value(&samples[i - 1], &samples[i]) / most *
					 HEIGHT);
	fprintf(f, "\"/>\n");
}

static void area_write(FILE *f, const struct series *s, double most)
{
	fprintf(f, "<path class=\"area %s\" d=\"M0,%d", s->stroke, HEIGHT);
	for (size_t i = 1; i < nr; i++)
		fprintf(f, "L%.1f,%.2f", x_of(samples[i].ns),
			HEIGHT - s->value(&samples[i - 1], &samples[i]) / most *
					 HEIGHT);
	fprintf(f, "V%dZ\"/>\n", HEIGHT);
}

static void grid_write(FILE *f, unsigned int parts_of)
{
	for (unsigned int i = 1; i < parts_of; i++)
		fprintf(f, "<path class=\"grid\" d=\"M0,%.1fH%d\"/>",
			(double)HEIGHT * i / parts_of, PLOT_WIDTH);
	fprintf(f, "\n");
}

static void lines_write(FILE *f, const struct plot *p)
{
	double most = 0, v;

	for (int i = 0; i < 2 && p->series[i].name; i++) {
		v = highest(&p->series[i]);
		most = v > most ? v : most;
	}
	most = nice(most);
	fprintf(f,
		"<div class=\"y\"><span>%s</span><span>%s</span><span>0</span></div>\n",
		p->unit(most).s, p->unit(most / 2).s);
	strip_begin(f, p->title);
	grid_write(f, 2);
	area_write(f, &p->series[0], most);
	for (int i = 0; i < 2 && p->series[i].name; i++)
		line_write(f, &p->series[i], most);
	marks_write(f);
	strip_end(f);
}

/* Bars on a scale of powers of ten, from low up. */
static void bars_write(FILE *f, const struct plot *p)
{
	const struct series *s = &p->series[0];
	double high = ceil(log10(fmax(highest(s), 1e5))), low = high - TENS;

	fprintf(f, "<div class=\"y\">");
	for (double t = high; t >= low; t--)
		fprintf(f, "<span>%s</span>", p->unit(pow(10, t)).s);
	fprintf(f, "</div>\n");
	strip_begin(f, p->title);
	grid_write(f, (unsigned int)(high - low));
	fprintf(f, "<path class=\"bars a\" d=\"");
	for (size_t i = 1; i < nr; i++) {
		double v = s->value(&samples[i - 1], &samples[i]);
		double x = x_of(samples[i - 1].ns), y;

		if (isnan(v) || v <= 0)
			continue;
		y = fmin(fmax((log10(v) - low) / (high - low), 0.02), 1);
		fprintf(f, "M%.1f,%dV%.2fH%.1fV%dZ", x, HEIGHT,
			HEIGHT - y * HEIGHT, x_of(samples[i].ns), HEIGHT);
	}
	fprintf(f, "\"/>\n");
	marks_write(f);
	strip_end(f);
}

static void legend_write(FILE *f, const struct plot *p)
{
	fprintf(f, "<ul class=\"legend\">");
	for (int i = 0; i < 2 && p->series[i].name; i++) {
		struct numeral n = p->unit(highest(&p->series[i]));

		fprintf(f,
			"<li><svg class=\"key\" viewBox=\"0 0 24 8\"><path class=\"line %s\" d=\"M0,4H24\"/></svg>%s, at most %s</li>",
			p->series[i].stroke, p->series[i].name, n.s);
	}
	fprintf(f, "</ul>\n");
}

static void plot_write(FILE *f, const struct plot *p)
{
	fprintf(f,
		"<figure id=\"plot-%s\">\n<figcaption><h3>%s</h3><p>%s</p></figcaption>\n",
		p->id, p->title, p->what);
	if (!p->bars)
		legend_write(f, p);
	fprintf(f, "<div class=\"plot\">\n");
	if (p->bars)
		bars_write(f, p);
	else
		lines_write(f, p);
	time_write(f);
	fprintf(f, "</div>\n</figure>\n");
}

/* Classes. ------------------------------------------------------------------- */

enum {
	SHADES = 6,
	ROWS = PERCU_NR_CLASSES_MAX + 1
};

static uint64_t class_peak(size_t c)
{
	uint64_t most = 0;

	for (size_t i = 0; i < nr; i++)
		if (samples[i].by_size[c] > most)
			most = samples[i].by_size[c];
	return most;
}

/* A shade is a factor of eight: 0 none, 1 up to 1 KiB, 2 up to 8 KiB... */
static unsigned int shade(uint64_t bytes)
{
	unsigned int n = 1;

	if (!bytes)
		return 0;
	for (uint64_t limit = 1024; bytes > limit && n < SHADES; limit *= 8)
		n++;
	return n;
}

/* Runs of one shade are one rectangle. */
static void row_write(FILE *f, size_t c, unsigned int row)
{
	size_t from = 0;

	for (size_t i = 1; i <= nr; i++) {
		unsigned int is = shade(samples[from].by_size[c]);

		if (i < nr && shade(samples[i].by_size[c]) == is)
			continue;
		if (is)
			fprintf(f,
				"<rect class=\"s%u\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"1\"/>",
				is, x_of(samples[from].ns), row,
				x_of(samples[i < nr ? i : nr - 1].ns) -
					x_of(samples[from].ns));
		from = i;
	}
	fprintf(f, "\n");
}

static const char *class_name(size_t c, char *buf, size_t size)
{
	struct percu_memstats ms;

	percu_memstats(&ms);
	if (c == PERCU_NR_CLASSES_MAX)
		snprintf(buf, size, "large");
	else
		snprintf(buf, size, "%s", num_count(ms.by_size[c].size).s);
	return buf;
}

/* The names of some of the rows, as many as there is room for. */
static void rows_name(FILE *f, const size_t *row, unsigned int rows)
{
	unsigned int each = rows / 12 + 1;
	char name[40];

	fprintf(f, "<div class=\"rows\">");
	for (unsigned int i = 0; i < rows; i += each)
		fprintf(f, "<span style=\"top:%.2f%%\">%s</span>",
			100 * (i + 0.5) / rows,
			class_name(row[i], name, sizeof(name)));
	fprintf(f, "</div>\n");
}

static void shades_legend(FILE *f)
{
	uint64_t limit = 1;

	fprintf(f, "<ul class=\"legend\">");
	for (unsigned int s = 1; s <= SHADES; s++, limit *= 8)
		fprintf(f,
			"<li><svg class=\"key\" viewBox=\"0 0 24 8\"><rect class=\"s%u\" width=\"24\" height=\"8\"/></svg>%s %" PRIu64
			" KiB</li>",
			s, s < SHADES ? "to" : "over",
			s < SHADES ? limit : limit / 8);
	fprintf(f, "</ul>\n");
}

static void classes_write(FILE *f)
{
	unsigned int rows = 0;
	size_t row[ROWS];

	for (size_t c = 0; c < ROWS; c++)
		if (class_peak(c))
			row[rows++] = c;
	fprintf(f,
		"<figure id=\"plot-classes\">\n<figcaption><h3>Size classes</h3><p>Bytes that are out of each class, and of large blocks. The darker, the more.</p></figcaption>\n");
	shades_legend(f);
	fprintf(f, "<div class=\"plot classes\">\n");
	rows_name(f, row, rows ? rows : 1);
	fprintf(f,
		"<svg viewBox=\"0 0 %d %u\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Size classes\" style=\"height:%upx\" shape-rendering=\"crispEdges\">\n",
		PLOT_WIDTH, rows ? rows : 1, (rows ? rows : 1) * 8 + 40);
	for (unsigned int i = 0; i < rows; i++)
		row_write(f, row[i], i);
	strip_end(f);
	time_write(f);
	fprintf(f, "</div>\n</figure>\n");
}

/* Faults. -------------------------------------------------------------------- */

static void fault_write(FILE *f, enum fault_id id)
{
	fprintf(f, "<div class=\"fault\"><span>%s</span>\n", faults[id].name);
	fprintf(f,
		"<svg viewBox=\"0 0 %d 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"%s\">",
		PLOT_WIDTH, faults[id].what);
	fprintf(f,
		"<path class=\"axis\" d=\"M0,10H%d\"/><path class=\"mark\" d=\"",
		PLOT_WIDTH);
	for (size_t i = 1; i < nr; i++)
		if (samples[i].fired[id] != samples[i - 1].fired[id])
			fprintf(f, "M%.1f,10v-10", x_of(samples[i].ns));
	fprintf(f,
		"\"/></svg>\n<b><data id=\"fault-%s\" value=\"%" PRIu64
		"\">%s</data></b></div>\n",
		faults[id].name, fault_count(id),
		faults[id].skipped[0] ? "skipped" :
					num_count(fault_count(id)).s);
}

static void faults_write(FILE *f)
{
	bool any = false;

	fprintf(f,
		"<figure id=\"plot-faults\">\n<figcaption><h3>Faults</h3><p>When each that was asked for was forced, and how often.</p></figcaption>\n<div class=\"faults\">\n");
	for (enum fault_id id = 0; id < NR_FAULTS; id++) {
		if (!faults[id].requested)
			continue;
		any = true;
		fault_write(f, id);
	}
	if (any)
		fprintf(f, "<div class=\"fault\"><span></span>");
	if (any)
		time_write(f);
	fprintf(f, "%s</div>\n</figure>\n",
		any ? "<b></b></div>\n" : "<p>None was asked for.</p>\n");
}

void plots_write(FILE *f)
{
	samples = sampler_all(&nr);
	whole = nr ? (double)samples[nr - 1].ns / 1e9 : 1;
	timeline_write(f);
	for (size_t i = 0; i < ARRAY_SIZE(plots); i++)
		plot_write(f, &plots[i]);
	classes_write(f);
	faults_write(f);
}
