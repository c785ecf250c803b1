// SPDX-License-Identifier: MIT
/*
 * stress/verdict.c - failures are counted, and the count is the verdict
 *
 * fail() is called from threads that are in the middle of anything and from
 * forked children, whose copy of stdio's locks may be taken for ever.  So it
 * formats into its own buffer and writes that, and there is no lock here.
 * After FAILURES_KEPT lines only the count goes on: a broken allocator breaks
 * everything at once.
 *
 * A failure is one line: where, what, and the command that repeats it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "stress.h"

enum {
	LINE = 480 /* of what */
};

__thread struct part *part_here;

static atomic_uint failures;
static struct {
	char line[FAILURE_LINE]; /* by whoever counted to it */
	atomic_bool ready;
} kept[FAILURES_KEPT];

static void put_line(const char *line, size_t len)
{
	progress_clear();
	while (len) {
		ssize_t n = write(STDERR_FILENO, line, len);

		if (n <= 0)
			return;
		line += n;
		len -= (size_t)n;
	}
}

static void keep(unsigned int nth, const char *what)
{
	/* Of a thread that is nobody's it is known what runs, not for whom. */
	const struct part *p = part_here ? part_here :
			       nr_parts  ? &parts[nr_parts - 1] :
					   NULL;
	char line[FAILURE_LINE + 32];
	int len;

	snprintf(kept[nth].line, FAILURE_LINE, "%s: %s%s%s%s",
		 part_here ? part_here->name : "outside of any scenario", what,
		 p ? " [again: " : "", p ? p->again : "", p ? "]" : "");
	atomic_store_explicit(&kept[nth].ready, true, memory_order_release);
	len = snprintf(line, sizeof(line), "percu-stress: FAILED: %s\n",
		       kept[nth].line);
	put_line(line, (size_t)len);
}

__attribute__((format(printf, 1, 0))) static void failv(const char *fmt,
							va_list ap)
{
	unsigned int nth = atomic_fetch_add(&failures, 1);
	char what[LINE];

	if (part_here)
		atomic_fetch_add(&part_here->failures, 1);
	if (nth >= FAILURES_KEPT)
		return;
	vsnprintf(what, sizeof(what), fmt, ap);
	keep(nth, what);
}

void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	failv(fmt, ap);
	va_end(ap);
}

/* Other threads are still at work: no destructors, no atexit. */
void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	failv(fmt, ap);
	va_end(ap);
	result_end();
	_exit(EXIT_FAILURE);
}

void out_of_memory(void)
{
	die("out of memory");
}

unsigned int verdict_failures(void)
{
	return part_here ? atomic_load(&part_here->failures) :
			   atomic_load(&failures);
}

unsigned int verdict_total(void)
{
	return atomic_load(&failures);
}

/* Acquire: pairs with keep(). */
const char *verdict_line(unsigned int n)
{
	if (n >= FAILURES_KEPT ||
	    !atomic_load_explicit(&kept[n].ready, memory_order_acquire))
		return NULL;
	return kept[n].line;
}

void part_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(part_here->skipped, sizeof(part_here->skipped), fmt, ap);
	va_end(ap);
	printf("  skip      %s\n", part_here->skipped);
}

void happened(uint64_t n, const char *what)
{
	if (break_always(BREAK_IDLE))
		n = 0;
	if (!n && !stop_asked())
		fail("nothing was %s", what);
}

void law(const char *text)
{
	printf("  law       %s\n", text);
}
