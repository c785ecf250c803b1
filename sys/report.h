/* SPDX-License-Identifier: MIT */
/*
 * sys/report.h - one line for a person, on a stderr of percu's own
 *
 * Programs close descriptors 1 and 2 before they exit and daemons point them
 * elsewhere, so a duplicate (close-on-exec, above 100 where it can be) is
 * made at start.  Nothing here allocates or takes a lock.
 *
 * A malloc of percu's makes none unless it has statistics to write at the end:
 * a daemon that lets go of its stderr wants who reads the other end to see it.
 */
#ifndef PERCU_SYS_REPORT_H
#define PERCU_SYS_REPORT_H

void report_init(void); /* again: from the stderr of now */
void report_keep(void); /* the same, and with a duplicate in any case */
int report_fd(void);    /* where lines go now; -1: nowhere */

/* The line as it is, and a newline: listings that were asked for. */
__attribute__((format(printf, 1, 2))) void report_line(const char *fmt, ...);

/* "percu: ..." and a newline. */
__attribute__((format(printf, 1, 2))) void report_warn(const char *fmt, ...);

/*
 * A place in code, for a line: "0x55d0c0de1234 (program+0x1234)".  What is in
 * brackets says where after the process has gone too; addr2line(1) takes it.
 */
enum {
	REPORT_SITE_MAX = 80
};
const char *report_site(const void *site, char buf[REPORT_SITE_MAX]);

/* "percu: misuse: ..." and a newline, then abort(). */
__attribute__((format(printf, 1, 2), noreturn, cold)) void
report_misuse(const char *fmt, ...);

#endif /* PERCU_SYS_REPORT_H */
