/* SPDX-License-Identifier: MIT */
/*
 * sys/report.c - one line for a person, on a stderr of percu's own
 *
 * A line is put together on the stack and leaves in one write(), so lines of
 * several threads do not mix.  Control characters in it become '?': a name
 * that a program chose cannot forge a second line.
 *
 * The duplicate's number may come to mean another file, when a program closes
 * all descriptors that it does not know (closefrom()) and opens its own.  So
 * the file's identity is remembered, and where it no longer fits, descriptor
 * 2 is used, if that fits better: a report must not end up in somebody's data
 * base.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/conf.h"
#include "sys/os.h"
#include "sys/report.h"

enum {
	REPORT_FD_MIN = 100, /* out of the way of select() and of shells */
	REPORT_MAX = 512,    /* bytes of a line, its newline included */
};

/* (c) constant after report_init() */
static struct {
	int fd; /* 2 where there is no duplicate */
	bool known;
	dev_t dev; /* of the stderr at start */
	ino_t ino;
} report = { .fd = STDERR_FILENO };

static int report_dup(int min)
{
	if (os_fault(OS_DUP))
		return -1;
	return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, min);
}

/* Does the number mean the file that stderr was at start? */
static bool is_first(const struct stat *st)
{
	return report.known && st->st_dev == report.dev &&
	       st->st_ino == report.ino;
}

/* The duplicate, if there is one and its number still means it. */
static int private_fd(void)
{
	struct stat st;

	if (report.fd == STDERR_FILENO || fstat(report.fd, &st) ||
	    !is_first(&st))
		return -1;
	return report.fd;
}

/*
 * Descriptor 2 may be another file by now.  A terminal, a pipe or a log to
 * which is appended takes a line more; a data base or a client does not.
 */
int report_fd(void)
{
	int saved = errno, fd = private_fd();
	struct stat st;

	if (fd < 0 && !fstat(STDERR_FILENO, &st) &&
	    (is_first(&st) || S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode) ||
	     (S_ISREG(st.st_mode) && fcntl(STDERR_FILENO, F_GETFL) & O_APPEND)))
		fd = STDERR_FILENO;
	errno = saved;
	return fd;
}

static void report_start(bool keep)
{
	int saved = errno, fd = private_fd();
	struct stat st;

	if (fd >= 0)
		close(fd);
	report.fd = STDERR_FILENO;
	report.known = !fstat(STDERR_FILENO, &st);
	if (report.known) {
		report.dev = st.st_dev;
		report.ino = st.st_ino;
	}
	fd = keep ? report_dup(REPORT_FD_MIN) : -1;
	if (keep && fd < 0) /* RLIMIT_NOFILE may be below that */
		fd = report_dup(STDERR_FILENO + 1);
	if (fd >= 0)
		report.fd = fd;
	errno = saved;
}

void report_init(void)
{
	report_start(conf_default.private_stderr);
}

void report_keep(void)
{
	report_start(true);
}

__attribute__((format(printf, 2, 0))) static void
report_emit(const char *prefix, const char *fmt, va_list ap)
{
	char line[REPORT_MAX];
	size_t len = strlen(prefix), room = sizeof(line) - len;
	int saved = errno, n;

	memcpy(line, prefix, len);
	n = vsnprintf(line + len, room, fmt, ap);
	if (n > 0)
		len += (size_t)n < room ? (size_t)n : room - 1;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == '\177')
			line[i] = '?';
	}
	line[len++] = '\n'; /* where vsnprintf() put its '\0' */
	/* There is nobody left to tell that this failed. */
	os_write(report_fd(), line, len);
	errno = saved;
}

void report_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_emit("", fmt, ap);
	va_end(ap);
}

void report_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_emit("percu: ", fmt, ap);
	va_end(ap);
}

/*
 * dladdr() would know the function too, but takes the loader's lock, which the
 * thread that holds a lock of percu's may wait for.  _dl_find_object() takes
 * none.
 */
const char *report_site(const void *site, char buf[REPORT_SITE_MAX])
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
	struct dl_find_object o;
	const char *name, *slash;

	if (!_dl_find_object((void *)(uintptr_t)site, &o)) {
		name = o.dlfo_link_map->l_name; /* the program's is "" */
		if (!*name)
			name = program_invocation_short_name;
		slash = strrchr(name, '/');
		snprintf(buf, REPORT_SITE_MAX, "%p (%.40s+%#zx)", site,
			 slash ? slash + 1 : name,
			 (uintptr_t)site - o.dlfo_link_map->l_addr);
		return buf;
	}
#endif
	snprintf(buf, REPORT_SITE_MAX, "%p", site);
	return buf;
}

void report_misuse(const char *fmt, ...)
{
	va_list ap;

	/* A test that makes writes fail still wants to know why it died. */
	os_fault_disarm();
	va_start(ap, fmt);
	report_emit("percu: misuse: ", fmt, ap);
	va_end(ap);
	abort();
}
