// SPDX-License-Identifier: MIT
/*
 * stress/result.c - the verdict, for people, for TAP and for programs
 *
 * Whoever reads one of the three can trust the others: all are written from
 * parts[], findings[], faults[] and the failures that were kept.
 */
#include <inttypes.h>
#include <stdio.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "report.h"

static const struct options *opts;
static unsigned int tap_nth;

static void tap_point(bool ok, const char *what, const char *before,
		      const char *more)
{
	if (!out_muted())
		out_result("%sok %u - %s%s%s\n", ok ? "" : "not ", ++tap_nth,
			   what, *more ? before : "", more);
}

void result_begin(const struct options *o)
{
	opts = o;
	if (o->report)
		report_forget(o->report);
	if (o->output == OUTPUT_TAP)
		out_result("TAP version 13\n");
}

void result_part(const struct part *p)
{
	unsigned int n = atomic_load(&p->failures);

	if (opts->output == OUTPUT_TAP)
		tap_point(!n, p->name, " # SKIP ", p->skipped);
	else if (n)
		printf("%s: FAILED, %u failures\n", p->name, n);
	else if (*p->skipped)
		printf("%s: skipped: %s\n", p->name, p->skipped);
	else
		printf("%s: ok, %.1f s\n", p->name, p->seconds);
}

/* As TAP has it, the plan is left out: it was to be more. */
static void tap_end(void)
{
	if (stop_asked()) {
		out_result("Bail out! %s\n", stop_reason());
		return;
	}
	for (int i = 0; i < NR_END_LAWS; i++)
		tap_point(findings[i].ok, findings[i].name, ": ",
			  findings[i].text);
	for (unsigned int i = 0; verdict_line(i); i++)
		out_result("# %s\n", verdict_line(i));
	out_result("1..%u\n", tap_nth);
}

static void text_end(void)
{
	unsigned int n = verdict_total();

	out_result("\n");
	for (int i = 0; i < NR_END_LAWS; i++)
		out_result("  %-6s  %-12s %s\n",
			   findings[i].ok ? "ok" : "FAILED", findings[i].name,
			   findings[i].text);
	if (!n) {
		out_result("verdict: %s%s%s\n",
			   stop_asked() ? "stopped by " : "ok",
			   stop_asked() ? stop_reason() : "",
			   stop_asked() ? "; every law held until then" : "");
		return;
	}
	for (unsigned int i = 0; verdict_line(i); i++)
		out_result("  %s\n", verdict_line(i));
	out_result("verdict: FAILED, %u failures\n", n);
}

/* One string of JSON. */
static void quote(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < ' ')
			fprintf(f, "\\u%04x", c);
		else
			putc(c, f);
	}
	putc('"', f);
}

static const char *verdict_word(void)
{
	return verdict_total() ? "failed" : stop_asked() ? "stopped" : "ok";
}

static void json_parts(FILE *f)
{
	fprintf(f, ",\n\"parts\":[");
	for (unsigned int i = 0; i < nr_parts; i++) {
		const struct part *p = &parts[i];

		fprintf(f,
			"%s\n {\"name\":\"%s\",\"failures\":%u,\"seconds\":%.3f,"
			"\"operations\":%" PRIu64 ",\"bytes\":%" PRIu64
			",\"skipped\":",
			i ? "," : "", p->name, p->failures, p->seconds,
			p->operations, p->bytes);
		quote(f, p->skipped);
		fprintf(f, ",\"again\":");
		quote(f, p->again);
		fprintf(f, "}");
	}
	fprintf(f, "]");
}

static void json_findings(FILE *f)
{
	fprintf(f, ",\n\"laws\":[");
	for (int i = 0; i < NR_END_LAWS; i++) {
		fprintf(f, "%s\n {\"name\":\"%s\",\"ok\":%s,\"found\":",
			i ? "," : "", findings[i].name,
			findings[i].ok ? "true" : "false");
		quote(f, findings[i].text);
		fprintf(f, "}");
	}
	fprintf(f, "],\n\"faults\":[");
	for (int i = 0; i < NR_FAULTS; i++) {
		fprintf(f,
			"%s\n {\"name\":\"%s\",\"requested\":%s,\"fired\":%" PRIu64
			",\"own\":%" PRIu64 ",\"skipped\":",
			i ? "," : "", faults[i].name,
			faults[i].requested ? "true" : "false", faults[i].fired,
			faults[i].own);
		quote(f, faults[i].skipped);
		fprintf(f, "}");
	}
	fprintf(f, "]");
}

static void json_figure(const char *name, uint64_t value, void *arg)
{
	fprintf(arg, "\"%s\":%" PRIu64 ",", name, value);
}

void result_json(FILE *f)
{
	struct figures run = figures_of_run();

	fprintf(f,
		"{\"verdict\":\"%s\",\"failures\":%u,\"seed\":%" PRIu64
		",\"mode\":\"%s\",\"cpus\":%u,\"duration\":%.3f",
		verdict_word(), verdict_total(), opts->seed, percu_mode(),
		nr_cpus(), opts->seconds);
	fprintf(f, ",\n\"figures\":{");
	figures_each(&run, json_figure, f);
	fprintf(f, "\"unit\":\"bytes, ns\"}");
	json_parts(f);
	json_findings(f);
	fprintf(f, ",\n\"lines\":[");
	for (unsigned int i = 0; verdict_line(i); i++) {
		fprintf(f, "%s\n ", i ? "," : "");
		quote(f, verdict_line(i));
	}
	fprintf(f, "]}\n");
}

static void json_end(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = must(open_memstream(&text, &size));

	result_json(f);
	fclose(f);
	for (size_t at = 0; at < size;) {
		int n = size - at < 1024 ? (int)(size - at) : 1024;

		out_result("%.*s", n, text + at);
		at += (size_t)n;
	}
	free(text);
}

/* Not by who dies: samples are still taken then. */
static void page_end(void)
{
	if (!report_write(opts))
		fail("cannot write the report to %s: %s", opts->report,
		     strerror(errno));
	else
		printf("report: %s/index.html\n", opts->report);
}

/* One string of JSON, without what would have to be escaped. */
static void bare(char *s)
{
	for (; *s; s++)
		if (*s == '"' || *s == '\\' || (unsigned char)*s < ' ')
			*s = '\'';
}

void result_cut(const char *how)
{
	const char *first = verdict_line(0);
	char line[FAILURE_LINE];

	snprintf(line, sizeof(line), "%s", first ? first : "");
	if (opts->output == OUTPUT_TEXT) {
		out_result("verdict: FAILED, it %s\n", how);
	} else if (opts->output == OUTPUT_TAP) {
		out_result("Bail out! %s\n", line);
	} else {
		bare(line);
		out_result("{\"verdict\":\"failed\",\"failures\":%u,"
			   "\"%s\":true,\"lines\":[\"%s\"]}\n",
			   verdict_total(), how, line);
	}
}

/* Nobody reads it on stdout. */
static void lost_end(void)
{
	fprintf(stderr, "percu-stress: verdict: %s; %s\n", verdict_word(),
		stop_reason());
}

/* Who dies comes to no end. */
static void findings_complete(void)
{
	for (struct finding *f = findings; f < findings + NR_END_LAWS; f++)
		if (!f->text[0])
			snprintf(
				f->text, sizeof(f->text),
				"not looked at: the run did not come to its end");
}

void result_end(void)
{
	findings_complete();
	if (opts->report && sampler_ended())
		page_end();
	if (opts->output == OUTPUT_TAP)
		tap_end();
	else if (opts->output == OUTPUT_JSON)
		json_end();
	else
		text_end();
	if (stop_asked() && !strncmp(stop_reason(), "stdout", 6))
		lost_end();
}
