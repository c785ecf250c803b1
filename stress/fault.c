// SPDX-License-Identifier: MIT
/*
 * stress/fault.c - what is forced to happen, and how often it has
 *
 * A fault that was asked for and never fired proves nothing, so the end of a
 * run fails on one (end.c).  Where a machine does not allow a fault, who would
 * force it says so once, in a line, and it is not asked for any more.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "stress.h"

struct fault faults[NR_FAULTS] = {
	[FAULT_FORK] = { .name = "fork",
			 .what = "children are forked, and use percu" },
	[FAULT_EXIT] = { .name = "exit",
			 .what = "short threads come, use percu and go" },
	[FAULT_AFFINITY] = { .name = "affinity",
			     .what = "threads are moved between CPUs" },
	[FAULT_CPUSET] = { .name = "cpuset",
			   .what = "CPUs are taken away and given back" },
	[FAULT_SIGNAL] = { .name = "signal",
			   .what = "handlers get and put at any instruction" },
	[FAULT_MEMORY] = { .name = "memory",
			   .what = "children get until memory is refused" },
	[FAULT_CGROUP] = { .name = "cgroup",
			   .what = "children live under a limit of memory" },
	[FAULT_SLEEP] = { .name = "sleep",
			  .what = "readers sleep in their sections" },
	[FAULT_CLOCK] = { .name = "clock", .what = "the time of day jumps" },
	[FAULT_CALLS] = { .name = "calls",
			  .what = "age, shrink, stats and barrier from everywhere" },
	[FAULT_OSCALL] = { .name = "oscall",
			   .what = "the n-th call of the system fails, "
				   "once or for a while" },
};

static bool request(const char *name, size_t len)
{
	bool none = len == 4 && !memcmp(name, "none", len);
	bool all = len == 3 && !memcmp(name, "all", len);
	bool known = none || all;

	for (struct fault *f = faults; f < faults + NR_FAULTS; f++) {
		bool it = strlen(f->name) == len && !memcmp(f->name, name, len);

		known |= it;
		f->requested = (f->requested || all || it) && !none;
	}
	return known;
}

bool faults_request(const char *list)
{
	bool known = true;

	for (const char *end; *list; list = *end ? end + 1 : end) {
		end = strchrnul(list, ',');
		known &= request(list, (size_t)(end - list));
	}
	return known;
}

uint64_t faults_total(void)
{
	uint64_t sum = 0;

	for (enum fault_id id = 0; id < NR_FAULTS; id++)
		sum += fault_count(id);
	return sum;
}

/* What the warm-up forced does not count. */
void faults_reset(void)
{
	for (struct fault *f = faults; f < faults + NR_FAULTS; f++)
		f->fired = f->own = 0;
}

static void skip_print(const struct fault *f)
{
	printf("  skip      fault %s: %s\n", f->name, f->skipped);
}

void faults_tell(void)
{
	for (const struct fault *f = faults; f < faults + NR_FAULTS; f++)
		if (f->skipped[0])
			skip_print(f);
}

bool faults_wanted(void)
{
	for (enum fault_id id = 0; id < NR_FAULTS; id++)
		if (fault_wanted(id))
			return true;
	return false;
}

bool fault_wanted(enum fault_id id)
{
	return faults[id].requested && !faults[id].skipped[0];
}

void fault_skip(enum fault_id id, const char *fmt, ...)
{
	struct fault *f = &faults[id];
	va_list ap;

	if (f->skipped[0])
		return;
	va_start(ap, fmt);
	vsnprintf(f->skipped, sizeof(f->skipped), fmt, ap);
	va_end(ap);
	skip_print(f); /* muted in the warm-up: then faults_tell() does */
}
