// SPDX-License-Identifier: MIT
/*
 * stress/verdict.c - failures are counted, and the count is the verdict
 *
 * fail() is called from threads that are in the middle of anything and from
 * forked children, whose copy of stdio's locks may be taken for ever.  So it
 * formats into its own buffer and writes that, and there is no lock here.
 * After MAX_LINES failures only the count goes on: a broken allocator breaks
 * everything at once.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "stress.h"

enum {
	MAX_LINES = 10,
	LINE = 256
};

static const char *scenario;
static atomic_uint failures;
static char first[LINE]; /* written by whoever counted to one */
static atomic_bool first_ready;

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

__attribute__((format(printf, 1, 0))) static void failv(const char *fmt,
							va_list ap)
{
	unsigned int nth = atomic_fetch_add(&failures, 1);
	char what[LINE], line[LINE + 64];
	int len;

	if (nth >= MAX_LINES)
		return;
	vsnprintf(what, sizeof(what), fmt, ap);
	if (!nth) {
		memcpy(first, what, sizeof(first));
		atomic_store_explicit(&first_ready, true, memory_order_release);
	}
	len = snprintf(line, sizeof(line), "percu-stress: %s: FAILED: %s\n",
		       scenario ? scenario : "setup", what);
	put_line(line, (size_t)len);
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
	verdict_end();
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

void *must(void *p)
{
	if (!p)
		die("out of memory");
	return p;
}

unsigned int verdict_failures(void)
{
	return atomic_load(&failures);
}

void verdict_begin(const char *name, const struct options *o)
{
	scenario = name;
	atomic_store(&failures, 0);
	atomic_store(&first_ready, false);
	printf("%s: mode %s, %u CPUs, seed 0x%llx\n", name, percu_mode(),
	       nr_cpus(), (unsigned long long)o->seed);
	fflush(stdout);
}

void law(const char *text)
{
	printf("  law       %s\n", text);
	fflush(stdout);
}

bool verdict_end(void)
{
	unsigned int n = atomic_load(&failures);

	if (!n) {
		printf("verdict: ok\n");
	} else {
		bool ready = atomic_load_explicit(&first_ready,
						  memory_order_acquire);

		printf("verdict: FAILED: %s", ready ? first : "?");
		if (n > 1)
			printf(" (and %u more)", n - 1);
		printf("\n");
	}
	fflush(stdout);
	return !n;
}
