// SPDX-License-Identifier: MIT
/*
 * stress/report.c - the page that a run leaves
 *
 * DIR/index.html is one file that asks nothing of any other: the style and the
 * drawings are in it, and there is no script.  It is XML as well as HTML, so
 * that any tool can check it.  DIR/result.json has the same numbers; those of
 * the page stand in <data> elements by the same names.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "report.h"

static uint64_t higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

struct figures figures_of_run(void)
{
	struct percu_memstats ms;
	struct figures f = { .faults = faults_total() };
	const struct sample *s;
	size_t n;

	s = sampler_all(&n);
	f.samples = n;
	for (size_t i = 0; i < n; i++) {
		f.peak_live = higher(f.peak_live, s[i].live);
		f.peak_cached = higher(f.peak_cached, s[i].cached);
		f.peak_deferred = higher(f.peak_deferred, s[i].deferred);
		f.peak_resident = higher(f.peak_resident, s[i].resident);
	}
	percu_memstats(&ms);
	f.operations = ms.mallocs + ms.frees;
	f.grace_periods = ms.grace_periods;
	f.grace_mean_ns = ms.grace_periods ? ms.grace_ns / ms.grace_periods : 0;
	f.grace_max_ns = ms.grace_max_ns;
	return f;
}

void figures_each(const struct figures *f,
		  void (*fn)(const char *name, uint64_t value, void *arg),
		  void *arg)
{
	fn("operations", f->operations, arg);
	fn("peak_live", f->peak_live, arg);
	fn("peak_cached", f->peak_cached, arg);
	fn("peak_deferred", f->peak_deferred, arg);
	fn("peak_resident", f->peak_resident, arg);
	fn("grace_periods", f->grace_periods, arg);
	fn("grace_mean_ns", f->grace_mean_ns, arg);
	fn("grace_max_ns", f->grace_max_ns, arg);
	fn("faults", f->faults, arg);
	fn("samples", f->samples, arg);
}

/* Text. ---------------------------------------------------------------------- */

static void escape(FILE *f, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '<' || c == '>' || c == '&' || c == '"')
			fprintf(f, "&#%u;", c);
		else
			putc(c < ' ' ? ' ' : c, f);
	}
}

static struct numeral num_ns(uint64_t ns)
{
	struct numeral n;

	if (ns >= 1000000000)
		snprintf(n.s, sizeof(n.s), "%.1f s", (double)ns / 1e9);
	else if (ns >= 1000000)
		snprintf(n.s, sizeof(n.s), "%.1f ms", (double)ns / 1e6);
	else
		snprintf(n.s, sizeof(n.s), "%.1f \xc2\xb5s", (double)ns / 1e3);
	return n;
}

static struct numeral num_short(uint64_t n)
{
	struct numeral s;

	if (n >= 1000000)
		snprintf(s.s, sizeof(s.s), "%.1f M", (double)n / 1e6);
	else
		s = num_count(n);
	return s;
}

static void tile(const char *name, uint64_t value, void *arg)
{
	static const struct {
		const char *name, *label;
		struct numeral (*show)(uint64_t n);
	} known[] = {
		{ "operations", "got and put", num_short },
		{ "peak_live", "live, at most", num_bytes },
		{ "peak_cached", "cached, at most", num_bytes },
		{ "peak_deferred", "deferred, at most", num_bytes },
		{ "peak_resident", "resident, at most", num_bytes },
		{ "grace_periods", "grace periods", num_count },
		{ "grace_mean_ns", "of one, in the mean", num_ns },
		{ "grace_max_ns", "of the longest", num_ns },
		{ "faults", "faults forced", num_short },
		{ "samples", "samples", num_count },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, name))
			fprintf(arg,
				"<div><dt>%s</dt><dd><data id=\"figure-%s\" value=\"%" PRIu64
				"\">%s</data></dd></div>\n",
				known[i].label, name, value,
				known[i].show(value).s);
}

/* The page. ------------------------------------------------------------------ */

static double whole_seconds(void)
{
	const struct sample *s;
	size_t n;

	s = sampler_all(&n);
	return n ? (double)s[n - 1].ns / 1e9 : 0;
}

static void head_write(FILE *f, const struct options *o)
{
	bool ok = !verdict_total();

	fprintf(f,
		"<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n"
		"<meta charset=\"utf-8\"/>\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
		"<title>percu-stress: %s</title>\n<style>\n%s</style>\n</head>\n<body>\n",
		ok ? "ok" : "failed", report_style);
	fprintf(f,
		"<header class=\"%s\">\n<p class=\"name\">percu-stress</p>\n"
		"<h1 id=\"verdict\">%s</h1>\n<p class=\"sub\">",
		ok ? "ok" : "bad",
		ok && stop_asked()  ? "Stopped; every law held until then" :
		ok                  ? "Every law held" :
		verdict_total() > 1 ? "Laws were broken" :
				      "A law was broken");
	fprintf(f,
		"<b>%.0f s</b> with seed <b>0x%" PRIx64
		"</b> on <b>%u</b> CPUs, mode <b>%s</b></p>\n</header>\n<main>\n",
		whole_seconds(), o->seed, nr_cpus(), percu_mode());
}

static void failures_write(FILE *f)
{
	if (!verdict_total())
		return;
	fprintf(f,
		"<section id=\"failures\"><h2>What failed</h2>\n<p><data id=\"failures-total\" value=\"%u\">%u</data> failures, of which the first:</p>\n<ol>\n",
		verdict_total(), verdict_total());
	for (unsigned int i = 0; verdict_line(i); i++) {
		fprintf(f, "<li>");
		escape(f, verdict_line(i));
		fprintf(f, "</li>\n");
	}
	fprintf(f, "</ol></section>\n");
}

static void laws_write(FILE *f)
{
	fprintf(f,
		"<section id=\"laws\"><h2>What held in the end</h2>\n<table>\n");
	for (int i = 0; i < NR_END_LAWS; i++) {
		fprintf(f,
			"<tr class=\"%s\"><th>%s</th><td class=\"mark\">%s</td><td>",
			findings[i].ok ? "ok" : "bad", findings[i].name,
			findings[i].ok ? "ok" : "failed");
		escape(f, findings[i].text);
		fprintf(f, "</td></tr>\n");
	}
	fprintf(f, "</table></section>\n");
}

static void parts_write(FILE *f)
{
	fprintf(f,
		"<section id=\"parts\"><h2>What ran</h2>\n<div class=\"wide\"><table>\n<tr><th>part</th><td class=\"mark\"></td><td class=\"n\">seconds</td><td class=\"n\">operations</td><td class=\"n\">bytes read</td></tr>\n");
	for (unsigned int i = 0; i < nr_parts; i++) {
		const struct part *p = &parts[i];

		fprintf(f,
			"<tr class=\"%s\"><th>%s</th><td class=\"mark\">%s</td><td class=\"n\">%.1f</td><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n",
			p->failures ? "bad" : "ok", p->name,
			p->failures ? "failed" :
			*p->skipped ? "skipped" :
				      "ok",
			p->seconds,
			p->operations ? num_count(p->operations).s : "",
			p->bytes ? num_bytes(p->bytes).s : "");
	}
	fprintf(f, "</table></div></section>\n");
}

static void page_write(FILE *f, const struct options *o)
{
	struct figures run = figures_of_run();

	head_write(f, o);
	fprintf(f, "<dl id=\"figures\">\n");
	figures_each(&run, tile, f);
	fprintf(f, "</dl>\n");
	failures_write(f);
	laws_write(f);
	fprintf(f, "<section id=\"plots\"><h2>Over time</h2>\n");
	plots_write(f);
	fprintf(f, "</section>\n");
	parts_write(f);
	fprintf(f,
		"</main>\n<footer>The shaded stripes are the parts of the run; small red marks below say that a fault was forced. The same numbers are in <a href=\"result.json\">result.json</a>.</footer>\n</body>\n</html>\n");
}

/* Files. --------------------------------------------------------------------- */

static void path_of(char *path, size_t size, const char *dir, const char *file)
{
	snprintf(path, size, "%s/%s", dir, file);
}

void report_forget(const char *dir)
{
	char path[4096];

	path_of(path, sizeof(path), dir, "index.html");
	unlink(path);
	path_of(path, sizeof(path), dir, "result.json");
	unlink(path);
}

static bool file_write(const char *dir, const char *name,
		       void (*write_it)(FILE *f, const struct options *o),
		       const struct options *o)
{
	char path[4096];
	bool ok;
	FILE *f;

	path_of(path, sizeof(path), dir, name);
	f = fopen(path, "we");
	if (!f)
		return false;
	write_it(f, o);
	ok = !ferror(f);
	return !fclose(f) && ok;
}

static void json_write(FILE *f, const struct options *o)
{
	(void)o;
	result_json(f);
}

/* Who finds the JSON finds the page. */
bool report_write(const struct options *o)
{
	mkdir(o->report, 0777);
	return file_write(o->report, "index.html", page_write, o) &&
	       file_write(o->report, "result.json", json_write, o);
}
