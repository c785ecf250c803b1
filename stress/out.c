// SPDX-License-Identifier: MIT
/*
 * stress/out.c - what scenarios print, in the form that was asked for
 *
 * Scenarios print with printf() and know nothing of each other.  stdout is
 * made a stream without a buffer, whose function is called once a printf()
 * and puts lines together, for each thread its own: so of scenarios that run
 * at once every line is whole, and bears its scenario's name.  As TAP all of
 * it is comments; beside JSON it is left out.
 *
 * What is the result goes out by out_result(), in no form but its own.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "stress.h"

enum {
	LINE = 400
};

static enum output output;
static atomic_bool muted;
static __thread char line[LINE];
static __thread size_t line_len;

/* It does not block, and was full. */
static bool writable(void)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return errno == EAGAIN && (poll(&fd, 1, -1) > 0 || errno == EINTR);
}

static void put(const char *s, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, s, len);

		if (n < 0 && (errno == EINTR || writable()))
			continue;
		if (n <= 0) {
			stop_unread();
			return;
		}
		s += n;
		len -= (size_t)n;
	}
}

static void line_end(void)
{
	bool named = part_here && !alone() && strchr(part_here->name, ':');
	char out[LINE + 64];
	int n;

	n = snprintf(out, sizeof(out), "%s%s%s%.*s\n",
		     output == OUTPUT_TAP ? "# " : "",
		     named ? strchr(part_here->name, ':') + 1 : "",
		     named ? ": " : "", (int)line_len, line);
	line_len = 0;
	if (output == OUTPUT_JSON || atomic_load(&muted))
		return;
	progress_clear();
	put(out, (size_t)n);
}

/* What does not fit into a line goes on in the next one. */
static ssize_t take(void *cookie, const char *buf, size_t size)
{
	(void)cookie;
	for (size_t i = 0; i < size; i++) {
		if (buf[i] != '\n')
			line[line_len++] = buf[i];
		if (buf[i] == '\n' || line_len == LINE)
			line_end();
	}
	return (ssize_t)size;
}

void out_begin(enum output how)
{
	const cookie_io_functions_t io = { .write = take };
	FILE *f = must(fopencookie(NULL, "w", io));

	output = how;
	setvbuf(f, NULL, _IONBF, 0);
	stdout = f; /* glibc's is a variable */
}

bool out_muted(void)
{
	return atomic_load(&muted);
}

void out_mute(bool mute)
{
	atomic_store(&muted, mute);
}

void out_result(const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	progress_clear();
	put(text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}
