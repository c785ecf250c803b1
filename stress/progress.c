// SPDX-License-Identifier: MIT
/*
 * stress/progress.c - a line for whoever watches, and a stop-watch
 *
 * Workers add to a counter, no more.  The sampler's thread has the line drawn
 * on stderr: over and over in its place where that is a terminal, once in a
 * while where it is not.
 *
 *	churn     [####........]  14%  9.8 M ops/s, 1,234 live, 1.3 MB cached, 0.2 MB deferred, 31 faults
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "sampler.h"

#define PLAIN_NS 5000000000u

enum {
	TERMINAL_NS = 100 * 1000 * 1000,
	BAR = 20,
	LINE = 256,
};

static struct progress *current; /* (lock) the one that began last */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool painted; /* there is a bar on the current line */

static struct {
	uint64_t ns, operations; /* when it was shown last */
} shown;

void progress_clear(void)
{
	static const char wipe[] = "\r\033[K";

	if (atomic_exchange(&painted, false) &&
	    write(STDERR_FILENO, wipe, sizeof(wipe) - 1) < 0)
		return;
}

/* What runs and how far it is, 0 to 1; -1: nobody knows. */
static double current_part(char *label, size_t size)
{
	double part = -1;

	pthread_mutex_lock(&lock);
	if (current) {
		double total = (double)current->total;
		double at =
			current->unit == PROGRESS_TIME ?
				(double)(now_ns() - current->start_ns) / 1e6 :
				(double)atomic_load(&current->done);

		snprintf(label, size, "%s", current->label);
		if (current->unit != PROGRESS_FILES && total > 0)
			part = at < total ? at / total : 1;
	}
	pthread_mutex_unlock(&lock);
	return part;
}

static int figures(char *buf, size_t size, const struct sample *now)
{
	double seconds = (double)(now->ns - shown.ns) / 1e9;
	double rate = seconds > 0 ?
			      (double)(now->operations - shown.operations) /
				      1e6 / seconds :
			      0;

	return snprintf(
		buf, size,
		"%.1f M ops/s, %s live, %s cached, %s deferred, %s faults",
		rate, num_count(now->objects).s, num_bytes(now->cached).s,
		num_bytes(now->deferred).s, num_count(faults_total()).s);
}

static void paint(const struct sample *now)
{
	char label[16] = "", text[LINE], line[2 * LINE];
	double part = current_part(label, sizeof(label));
	int full = (int)(part * BAR), len;
	struct winsize ws;

	figures(text, sizeof(text), now);
	if (part < 0)
		len = snprintf(line, sizeof(line), "  %-9s %s", label, text);
	else
		len = snprintf(line, sizeof(line),
			       "  %-9s [%.*s%.*s] %3.0f%%  %s", label, full,
			       "####################", BAR - full,
			       "....................", 100 * part, text);
	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) && ws.ws_col &&
	    len >= ws.ws_col)
		line[ws.ws_col - 1] = '\0';
	if (dprintf(STDERR_FILENO, "\r\033[K%s", line) > 0)
		atomic_store(&painted, true);
}

static void tell(const struct sample *now)
{
	char label[16] = "", text[LINE];

	current_part(label, sizeof(label));
	figures(text, sizeof(text), now);
	dprintf(STDERR_FILENO, "percu-stress: %4.0f s  %-9s %s\n",
		(double)now->ns / 1e9, label, text);
}

/* False: somebody has the list at the moment. */
bool progress_sum(uint64_t *done)
{
	uint64_t sum = 0;

	if (pthread_mutex_trylock(&lock))
		return false;
	for (const struct progress *p = current; p; p = p->before)
		sum += atomic_load(&p->done);
	pthread_mutex_unlock(&lock);
	*done = sum;
	return true;
}

void progress_show(const struct sample *now)
{
	bool terminal = isatty(STDERR_FILENO);

	if (now->ns - shown.ns < (terminal ? TERMINAL_NS : PLAIN_NS))
		return;
	if (terminal)
		paint(now);
	else
		tell(now);
	shown.ns = now->ns;
	shown.operations = now->operations;
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
	pthread_mutex_lock(&lock);
	p->before = current;
	current = p;
	pthread_mutex_unlock(&lock);
}

/* Others may have begun since. */
static void forget(struct progress *p)
{
	struct progress **at = &current;

	pthread_mutex_lock(&lock);
	while (*at && *at != p)
		at = &(*at)->before;
	if (*at)
		*at = p->before;
	pthread_mutex_unlock(&lock);
}

double progress_stop(struct progress *p)
{
	p->end_ns = now_ns();
	forget(p);
	if (p->part && p->unit == PROGRESS_TIME)
		atomic_fetch_add(&p->part->operations, p->done);
	if (p->part && p->unit == PROGRESS_BYTES)
		atomic_fetch_add(&p->part->bytes, p->done);
	return (double)(p->end_ns - p->start_ns + 1) / 1e9;
}
