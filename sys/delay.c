/* SPDX-License-Identifier: MIT */
/*
 * sys/delay.c - being slow, and how often each place was; for DELAY=1 alone
 *
 * At the end of the program a line a place, "file:line function delays", goes
 * to the file that PERCU_DELAY_REPORT names, after what is there: a process
 * and its children may write to one file, and each line is one write.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <urcu/arch.h>

#include "sys/delay.h"
#include "sys/hidden.h"

/* The first time, then of 8 times once; of these one in 64 is a yield. */
void percu_delay_step(struct percu_delay_place *at)
{
	uint64_t x = percu_delay_random();

	if (x & 7 && __atomic_load_n(&at->drawn, __ATOMIC_RELAXED))
		return;
	__atomic_fetch_add(&at->drawn, 1, __ATOMIC_RELAXED);
	if (!(x >> 8 & 63)) {
		sched_yield();
		return;
	}
	for (uint64_t n = x >> 16 & 255; n; n--)
		caa_cpu_relax();
}

/* The linker's names for the two ends of the section. */
extern struct percu_delay_place __start_percu_delay[] HIDDEN;
extern struct percu_delay_place __stop_percu_delay[] HIDDEN;

__attribute__((destructor)) static void delay_report(void)
{
	const char *path = getenv("PERCU_DELAY_REPORT");
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT, 0666) : -1;

	if (fd < 0)
		return;
	for (struct percu_delay_place *at = __start_percu_delay;
	     at < __stop_percu_delay; at++)
		dprintf(fd, "%s:%" PRIu64 " %s %" PRIu64 "\n", at->file,
			at->line, at->func,
			__atomic_load_n(&at->drawn, __ATOMIC_RELAXED));
	close(fd);
}
