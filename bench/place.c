/* SPDX-License-Identifier: MIT */
/*
 * bench/place.c - where a thread runs, and what the process occupies
 *
 * Nothing here allocates: the memory that is measured is the measured one's.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"

/* What the process was given; read before anything is pinned, or a thread. */
static cpu_set_t allowed;

static __attribute__((constructor)) void find_allowed(void)
{
	if (sched_getaffinity(0, sizeof(allowed), &allowed)) {
		perror("sched_getaffinity");
		exit(1);
	}
}

unsigned int cpus(void)
{
	return (unsigned int)CPU_COUNT(&allowed);
}

void pin(unsigned int i)
{
	cpu_set_t one;
	int cpu = 0;

	for (i = i % cpus() + 1;; cpu++)
		if (CPU_ISSET(cpu, &allowed) && --i == 0)
			break;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one)) {
		perror("sched_setaffinity");
		exit(1);
	}
}

void pin_last(void)
{
	pin(cpus() - 1);
}

const char *cpu_model(void)
{
	static const char key[] = "\nmodel name\t: ";
	static char buf[4096];
	int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	char *p;

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	p = strstr(buf, key);
	if (!p)
		return "unknown";
	p += sizeof(key) - 1;
	p[strcspn(p, "\n")] = '\0';
	return p;
}

/* Exact, unlike the batched counters of /proc/self/statm. */
size_t rss(void)
{
	char buf[2048];
	int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	const char *p;

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		perror("/proc/self/smaps_rollup");
		exit(1);
	}
	buf[n] = '\0';
	p = strstr(buf, "\nRss:");
	return p ? strtoul(p + 5, NULL, 10) * KB : 0;
}
