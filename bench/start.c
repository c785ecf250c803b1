/* SPDX-License-Identifier: MIT */
/*
 * bench/start.c - what a malloc adds to a process that does nothing
 *
 * The same program is started and ends at once, under each malloc.  What counts
 * is the time on CPUs that it has used, by what the kernel says of it: from its
 * fork, which is the same for all, over the linker's work to its end.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/cases.h"

enum {
	STARTS = 10 /* a turn */
};

static uint64_t ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000 * MSEC + (uint64_t)t.tv_usec * USEC;
}

static uint64_t start_once(const char *preload)
{
	const char *const args[] = { "percu-bench-malloc", "nothing", NULL };
	struct rusage used;
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (preload)
			setenv("LD_PRELOAD", preload, 1);
		exec_sibling(args);
	}
	die_unless(pid > 0, "fork");
	while (wait4(pid, &status, 0, &used) < 0)
		die_unless(errno == EINTR, "wait4");
	die_unless(!status, "percu-bench-malloc nothing");
	return ns(used.ru_utime) + ns(used.ru_stime);
}

static uint64_t start_some(void *preload, uint64_t iters)
{
	uint64_t sum = 0;

	while (iters--)
		sum += start_once(preload);
	return sum;
}

static void join(struct contest *ct, const char *name, enum role role,
		 const char *preload)
{
	ct->c[ct->n++] = (struct contestant){
		.name = name,
		.role = role,
		.timed = start_some,
		.ctx = (void *)(uintptr_t)preload,
		.iters = by_scale(STARTS, STARTS, 1),
	};
}

bool case_start(void)
{
	enum {
		OWN,
		GLIBC
	};
	struct contestant c[1 + NR_PEERS];
	struct contest ct = { .name = "start",
			      .what = "a process that does nothing",
			      .x = NO_X,
			      .c = c };
	const char *name, *preload;

	if (!own_malloc()) {
		row_skip("start", "start", OWN_MALLOC " was not built");
		return true;
	}
	pin_last(); /* and with it all that it starts */
	join(&ct, OWN_MALLOC, OURS, own_malloc());
	for (size_t i = 0; i < NR_PEERS; i++)
		if (peer_known(i, &name, &preload))
			join(&ct, name, PEER, preload);
	contest(&ct);
	row_figure("start", NO_X, OWN_MALLOC ": longer than with glibc's",
		   (c[OWN].ns.mid - c[GLIBC].ns.mid) / MSEC, "ms");
	return true;
}
