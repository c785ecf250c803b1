// SPDX-License-Identifier: MIT
/*
 * stress/progress.c - a bar for whoever watches, and a stop-watch
 *
 * A painter thread wakes ten times a second and draws on stderr; there is
 * none if stderr is no terminal.  The one thing that the workers do is add to
 * a counter.
 *
 *	  percu     [#############...............]  46%  225.1 / 489.2 MB  183 MB/s
 *	  churn     [####........................]  14%  0.7 / 5.0 s  9.8 M ops/s
 *	  looking   12,345 files
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "stress.h"

enum {
	TICK_MS = 100,
	BAR_MIN = 10,
	BAR_MAX = 40,
	REST = 56
};

static atomic_bool painted; /* there is a bar on the current line */

void progress_clear(void)
{
	static const char wipe[] = "\r\033[K";

	if (atomic_exchange(&painted, false) &&
	    write(STDERR_FILENO, wipe, sizeof(wipe) - 1) < 0)
		return;
}

static int bar_width(void)
{
	struct winsize ws;
	int width = BAR_MAX;

	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) && ws.ws_col)
		width = ws.ws_col - REST;
	if (width < BAR_MIN)
		width = BAR_MIN;
	return width < BAR_MAX ? width : BAR_MAX;
}

static int figures(char *buf, size_t size, const struct progress *p,
		   double *part)
{
	double done =
		(double)atomic_load_explicit(&p->done, memory_order_relaxed) /
		1e6;
	double seconds = (double)(now_ns() - p->start_ns) / 1e9;
	double rate = seconds > 0 ? done / seconds : 0;
	double total = (double)p->total;

	if (p->unit == PROGRESS_BYTES) {
		*part = total > 0 ? done * 1e6 / total : 0;
		return snprintf(buf, size, "%.1f / %.1f MB  %.0f MB/s", done,
				total / 1e6, rate);
	}
	*part = total > 0 ? seconds * 1e3 / total : 0;
	return snprintf(buf, size, "%.1f / %.1f s  %.1f M ops/s", seconds,
			total / 1e3, rate);
}

static int bar_line(char *line, size_t size, const struct progress *p)
{
	int width = bar_width(), full;
	char text[80];
	double part;

	figures(text, sizeof(text), p, &part);
	part = part > 1 ? 1 : part;
	full = (int)(part * width);
	return snprintf(
		line, size, "\r\033[K  %-9s [%.*s%.*s] %3.0f%%  %s", p->label,
		full, "########################################", width - full,
		"........................................", 100 * part, text);
}

static void paint_once(const struct progress *p)
{
	char line[200];
	int len;

	if (p->unit == PROGRESS_FILES)
		len = snprintf(line, sizeof(line), "\r\033[K  %-9s %s files",
			       p->label, num_count(atomic_load(&p->done)).s);
	else
		len = bar_line(line, sizeof(line), p);
	if (len > 0 && write(STDERR_FILENO, line, (size_t)len) > 0)
		atomic_store(&painted, true);
}

static void *paint(void *arg)
{
	struct progress *p = arg;

	while (!atomic_load(&p->stop)) {
		paint_once(p);
		sleep_ms(TICK_MS);
	}
	return NULL;
}

void progress_start(struct progress *p, const char *label,
		    enum progress_unit unit, uint64_t total)
{
	memset(p, 0, sizeof(*p));
	p->label = label;
	p->unit = unit;
	p->total = total;
	p->part = part_here;
	p->start_ns = now_ns();
	p->shown = isatty(STDERR_FILENO);
	if (p->shown)
		thread_start(&p->painter, paint, p);
}

double progress_stop(struct progress *p)
{
	p->end_ns = now_ns();
	if (p->part && p->unit == PROGRESS_TIME)
		atomic_fetch_add(&p->part->operations, p->done);
	if (p->part && p->unit == PROGRESS_BYTES)
		atomic_fetch_add(&p->part->bytes, p->done);
	if (p->shown) {
		atomic_store(&p->stop, true);
		pthread_join(p->painter, NULL);
		progress_clear();
	}
	return (double)(p->end_ns - p->start_ns + 1) / 1e9;
}
